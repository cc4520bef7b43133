"""What happens to pictures between decoding and encoding.

A filter is a function from frames to frames, both in the order of showing
them. Frames carry their times: `pts` and `duration` in ticks of `time_base`.
No filter holds more than a few of them.
"""
