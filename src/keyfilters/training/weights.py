"""The files of a trained network's weights."""

WEIGHTS = "model.safetensors"


def weights_after(epoch: int) -> str:
    """The file with the weights after one of the job's `checkpoints`; 0 is before the first epoch."""
    return f"model-epoch{epoch:03}.safetensors"
