"""How good a video looks, judged from itself alone: noise, details and colours.

The measures and the curves to scores are explained, with the figures they
were calibrated by, in docs/quality.md.
"""
