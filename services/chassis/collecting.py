"""The garbage collector of a process that runs for long."""

import gc


def spare_the_collector() -> None:
    """Have garbage collected less often, and none of what is there for good looked at.

    A look at everything takes a tenth of a second and more, in which nobody is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
