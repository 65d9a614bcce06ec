def split_pair(image):
    image = image.float() / 127.5 - 1
    half = image.shape[2] // 2
    photo, segmentation = image[:, :, :half], image[:, :, half:]
    return segmentation, photo
