import torch
from torch import nn


class DownSample(nn.Module):
    def __init__(self, inputs, outputs, norm=True):
        super().__init__()
        layers = [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)]
        if norm:
            layers.append(nn.BatchNorm2d(outputs))
        layers.append(nn.LeakyReLU(0.2))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class UpSample(nn.Module):
    def __init__(self, inputs, outputs, dropout=False):
        super().__init__()
        layers = [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)]
        layers.append(nn.BatchNorm2d(outputs))
        if dropout:
            layers.append(nn.Dropout(0.5))
        layers.append(nn.ReLU())
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [64, 128, 256, 512, 512, 512, 512, 512]
        self.down = nn.ModuleList()
        last = 3
        for i, width in enumerate(widths):
            self.down.append(DownSample(last, width, norm=i not in (0, 7)))
            last = width
        self.up = nn.ModuleList()
        given = [512, 1024, 1024, 1024, 1024, 512, 256]
        for i, (inputs, outputs) in enumerate(zip(given, [512, 512, 512, 512, 256, 128, 64], strict=True)):
            self.up.append(UpSample(inputs, outputs, dropout=i < 3))
        self.last = nn.ConvTranspose2d(128, 3, 4, 2, 1)

    def forward(self, x):
        maps = []
        for down in self.down:
            x = down(x)
            maps.append(x)
        maps.pop()
        for up in self.up:
            x = torch.cat([up(x), maps.pop()], 1)
        return torch.tanh(self.last(x))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(6, 64, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, 128, 4, 2, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.LeakyReLU(0.2),
            nn.Conv2d(128, 256, 4, 2, 1, bias=False),
            nn.BatchNorm2d(256),
            nn.LeakyReLU(0.2),
            nn.Conv2d(256, 512, 4, 1, 1, bias=False),
            nn.BatchNorm2d(512),
            nn.LeakyReLU(0.2),
            nn.Conv2d(512, 1, 4, 1, 1),
        )

    def forward(self, x):
        return self.layers(x)
