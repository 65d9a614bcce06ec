"""3c. How large the output of a transposed convolution is."""


def output_size(size: int, kernel: int, stride: int, padding: int, output_padding: int, dilation: int) -> int:
    """Pixels along one side of what ConvTranspose2d gives, for `size` pixels along that side of its input.

    Example: output_size(7, kernel=3, stride=2, padding=1, output_padding=1, dilation=1) is 14.
    """
    raise NotImplementedError
