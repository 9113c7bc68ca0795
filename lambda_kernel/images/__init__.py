"""Container images as root directories, without Docker and without root.

An image is named by a reference (`reference`), read from a registry (`registry`) or a file (`archive`), and unpacked
(`layers`, `unpack`) into a cache (`cache`) that all kernels share. This package knows nothing of who uses it.
"""
