"""Arzhang's own formula."""

from arzhang.studies.transposed import Layer


def output_size(size, kernel, stride, padding, output_padding, dilation):
    return Layer(size, kernel, stride, padding, output_padding, dilation).side
