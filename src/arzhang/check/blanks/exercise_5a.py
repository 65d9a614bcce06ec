"""5a. A file of the data set holds two pictures side by side: take them apart."""

from torch import Tensor


def split_pair(image: Tensor) -> tuple[Tensor, Tensor]:
    """(3, H, 2W) bytes, the photo in the left half, its segmentation in the right → (segmentation, photo).

    image: whole numbers of 0 to 255 (uint8). Gives two float tensors (3, H, W) in [−1, 1], −1 for 0 and 1 for 255:
    first the generator's input, then what it is to make.

    Example: segmentation, photo = split_pair(torch.zeros(3, 256, 512, dtype=torch.uint8))
    """
    raise NotImplementedError
