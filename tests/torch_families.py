"""The families in PyTorch, functions of a Flax module's parameters, written from the papers for the tests.

Images are NCHW here. ``p`` is a tree of parameters and other variables; kernels are turned where they are used.
"""

import torch
import torch.nn.functional as F


def conv(p, x, **options):
    padding = options.pop("padding", p["kernel"].shape[0] // 2)
    return F.conv2d(x, p["kernel"].permute(3, 2, 0, 1), p.get("bias"), padding=padding, **options)


def dense(p, x):
    x = x @ p["kernel"]
    return x + p["bias"] if "bias" in p else x


def batch_norm(x):
    return F.batch_norm(x, None, None, training=True, eps=1e-5)


def affine(x, gain, bias):
    return x * gain[:, :, None, None] + bias[:, :, None, None]


def up(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


def from_latents(p, z, width):
    """Flax's rows are places first, channels last."""
    x = dense(p, z)
    side = int((x.shape[1] // width) ** 0.5)
    return x.reshape(len(z), side, side, width).permute(0, 3, 1, 2)


def label_norm(p, x, labels):
    return affine(batch_norm(x), p["gain"]["embedding"][labels], p["bias"]["embedding"][labels])


def image(p, x):
    last = p["BatchNorm_0"]["BatchNorm_0"]
    x = F.relu(affine(batch_norm(x), last["scale"][None], last["bias"][None]))
    return torch.tanh(conv(p["Conv_0"], x))


def sngan_block(p, x, labels):
    h = F.relu(label_norm(p["LabelBatchNorm_0"], x, labels))
    h = conv(p["UpsampleConv_0"], up(h))
    h = F.relu(label_norm(p["LabelBatchNorm_1"], h, labels))
    return conv(p["Conv_0"], h) + conv(p["Conv_1"], up(x))


def sngan_generator(p, z, labels):
    blocks = [name for name in p if name.startswith("ResidualBlock")]
    x = from_latents(p["Dense_0"], z, p["ResidualBlock_0"]["Conv_1"]["kernel"].shape[2])
    for index in range(len(blocks)):
        x = sngan_block(p[f"ResidualBlock_{index}"], x, labels)
    return image(p, x)


def sngan_discriminator(p, x, labels, halvings):
    for index in range(sum(name.startswith("ResidualBlock") for name in p)):
        block = p[f"ResidualBlock_{index}"]
        h = conv(block["Conv_0"], x if index == 0 else F.relu(x))
        h = conv(block["Conv_1"], F.relu(h))
        x = conv(block["Conv_2"], x) if "Conv_2" in block else x
        if index < halvings:
            h, x = F.avg_pool2d(h, 2), F.avg_pool2d(x, 2)
        x = x + h
    features = F.relu(x).sum((2, 3))
    projected = (p["Head_0"]["Embed_0"]["embedding"][labels] * features).sum(1)
    return dense(p["Head_0"]["Dense_0"], features)[:, 0] + projected


def binomial(x, *, up):
    """[1, 3, 3, 1] by a convolution of each channel."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = (taps[:, None] * taps[None] / 64.0).expand(x.shape[1], 1, 4, 4)
    if up:
        return F.conv_transpose2d(x, 4.0 * kernel, stride=2, padding=1, groups=x.shape[1])
    return F.conv2d(x, kernel, stride=2, padding=1, groups=x.shape[1])


def r3_block(p, x, groups):
    h = F.leaky_relu(conv(p["Conv_0"], x), 0.2)
    h = F.leaky_relu(conv(p["Conv_1"], h, groups=groups), 0.2)
    return x + conv(p["Conv_2"], h)


def r3gan_generator(p, z, labels, groups, blocks):
    convs, counted = iter(range(99)), iter(range(99))
    z = torch.cat([z, p["Embed_0"]["embedding"][labels]], 1)
    x = p["basis"].permute(0, 3, 1, 2) * dense(p["Dense_0"], z)[:, :, None, None]
    for stage, of_stage in enumerate(groups):
        if stage:
            x = conv(p[f"Conv_{next(convs)}"], x)  # the widths of the test all differ
            x = binomial(x, up=True)
        for _ in range(blocks):
            x = r3_block(p[f"R3Block_{next(counted)}"], x, of_stage)
    return conv(p[f"Conv_{next(convs)}"], x)


def r3gan_discriminator(p, x, labels, groups, blocks):
    convs, counted = iter(range(99)), iter(range(99))
    x = conv(p[f"Conv_{next(convs)}"], x)
    for stage, of_stage in enumerate(groups):
        if stage:
            x = conv(p[f"Conv_{next(convs)}"], binomial(x, up=False))
        for _ in range(blocks):
            x = r3_block(p[f"R3Block_{next(counted)}"], x, of_stage)
    x = F.conv2d(x, p["basis"].permute(2, 0, 1)[:, None], groups=x.shape[1])[:, :, 0, 0]
    return (dense(p["Dense_0"], x) * p["Embed_0"]["embedding"][labels]).sum(1)


def attention(p, x):
    rows = lambda name, h: conv(p[name], h).flatten(2)  # noqa: E731
    pooled = lambda name: F.max_pool2d(conv(p[name], x), 2).flatten(2)  # noqa: E731
    shares = torch.softmax(rows("query", x).transpose(1, 2) @ pooled("key"), dim=2)
    found = (pooled("value") @ shares.transpose(1, 2)).reshape(len(x), -1, *x.shape[2:])
    return x + p["gate"] * conv(p["output"], found)


def vector_norm(p, x, vectors):
    return affine(batch_norm(x), 1 + dense(p["gain"], vectors), dense(p["bias"], vectors))


def biggan_block(p, x, told):
    h = F.relu(vector_norm(p["VectorBatchNorm_0"], x, told))
    h = conv(p["UpsampleConv_0"], up(h))
    h = F.relu(vector_norm(p["VectorBatchNorm_1"], h, told))
    return conv(p["Conv_0"], h) + conv(p["Conv_1"], up(x))


def biggan_generator(p, z, labels):
    blocks = [name for name in p if name.startswith("ResidualBlock")]
    first, *others = z.chunk(len(blocks) + 1, dim=1)
    shared = p["shared"]["embedding"][labels]
    x = from_latents(p["Dense_0"], first, p["ResidualBlock_0"]["Conv_1"]["kernel"].shape[2])
    for index, part in enumerate(others):
        x = biggan_block(p[f"ResidualBlock_{index}"], x, torch.cat([shared, part], 1))
        x = attention(p["SelfAttention_0"], x) if index == 0 else x
    return image(p, x)


def deep_generator_block(p, x, told, upwards):
    """Norms and convolutions in turn; the second convolution sees the doubled map."""
    convs = ["Conv_0", "UpsampleConv_0", "Conv_1", "Conv_2"] if upwards else [
        f"Conv_{index}" for index in range(4)
    ]  # fmt: skip
    h = x
    for index, name in enumerate(convs):
        h = F.relu(vector_norm(p[f"VectorBatchNorm_{index}"], h, told))
        h = conv(p[name], up(h) if upwards and index == 1 else h)
    x = x[:, : h.shape[1]]
    return h + (up(x) if upwards else x)


def biggan_deep_generator(p, z, labels):
    told = torch.cat([p["shared"]["embedding"][labels], z], 1)
    x = from_latents(p["Dense_0"], told, p["DeepBlock_0"]["Conv_0"]["kernel"].shape[2])
    for index in range(sum(name.startswith("DeepBlock") for name in p)):
        x = deep_generator_block(p[f"DeepBlock_{index}"], x, told, upwards=index % 2 == 1)
        x = attention(p["SelfAttention_0"], x) if index == 1 else x
    return image(p, x)


def biggan_deep_discriminator(p, x, labels, halvings):
    x = conv(p["Conv_0"], x)
    for index in range(sum(name.startswith("DeepBlock") for name in p)):
        block, down = p[f"DeepBlock_{index}"], index % 2 == 0 and index // 2 < halvings
        h = x
        for layer in range(4):
            h = F.relu(h)
            h = F.avg_pool2d(h, 2) if down and layer == 3 else h
            h = conv(block[f"Conv_{layer}"], h)
        x = F.avg_pool2d(x, 2) if down else x
        x = torch.cat([x, conv(block["Conv_4"], x)], 1) if "Conv_4" in block else x
        x = x + h
        x = attention(p["SelfAttention_0"], x) if index == 1 else x
    features = F.relu(x).sum((2, 3))
    projected = (p["Head_0"]["Embed_0"]["embedding"][labels] * features).sum(1)
    return dense(p["Head_0"]["Dense_0"], features)[:, 0] + projected


def equalized(p, x, rate=1.0, act=False):
    x = x @ p["kernel"] * rate / p["kernel"].shape[0] ** 0.5 + rate * p["bias"]
    return 2**0.5 * F.leaky_relu(x, 0.2) if act else x


def unit_square(x):
    return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()


def mapped(p, z, labels, classes, rate=0.1):
    y = unit_square(equalized(p["label"], F.one_hot(labels.long(), classes).float()))
    x = y if z is None else torch.cat([unit_square(z), y], 1)
    for index in range(len(p) - 1):
        x = equalized(p[f"EqualizedDense_{index}"], x, rate, act=True)
    return x


def fir(x, low, high, gain=1.0):
    taps = gain * torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8.0
    kernel = (taps[:, None] * taps[None]).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(F.pad(x, (low, high, low, high)), kernel, groups=x.shape[1])


def modulated(kernel, x, scales, demodulate, doubles=False):
    """Kernels of each image, one image after the other."""
    results = []
    for image, scale in zip(x, scales, strict=True):
        weight = kernel.permute(3, 2, 0, 1) * scale[None, :, None, None]
        if demodulate:
            weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if doubles:
            turned = weight.flip((2, 3)).transpose(0, 1)
            large = F.conv_transpose2d(image[None], turned, stride=2)
            results.append(fir(large, 1, 1, 2.0))
        else:
            results.append(F.conv2d(image[None], weight, padding=weight.shape[-1] // 2))
    return torch.cat(results)


def styled(p, x, style, noise, doubles):
    x = modulated(p["kernel"], x, equalized(p["scales"], style), True, doubles)
    x = x + p["noise_strength"] * noise.permute(0, 3, 1, 2) + p["bias"][None, :, None, None]
    return 2**0.5 * F.leaky_relu(x, 0.2)


def colors(p, x, style):
    scales = equalized(p["scales"], style) / x.shape[1] ** 0.5
    return modulated(p["kernel"], x, scales, False) + p["bias"][None, :, None, None]


def stylegan2_generator(p, z, labels, classes):
    style = mapped(p["mapper"], z, labels, classes)
    noises, p = p["constants"]["synthesizer"], p["synthesizer"]
    x = p["basis"].permute(0, 3, 1, 2).expand(len(z), -1, -1, -1)
    layer, images = 0, 0
    for stage in range(sum(name.startswith("ToRGB") for name in p)):
        for doubles in [True, False] if stage else [False]:
            name = f"StyledConv_{layer}"
            x = styled(p[name], x, style, noises[name]["noise"], doubles)
            layer += 1
        images = binomial(images, up=True) if stage else 0
        images = images + colors(p[f"ToRGB_{stage}"], x, style)
    return images


def equalized_conv(p, x, *, act=True, down=False):
    weight = p["kernel"].permute(3, 2, 0, 1)
    weight = weight / (weight[0].numel()) ** 0.5
    if not down:
        x = F.conv2d(x, weight, p.get("bias"), padding=weight.shape[-1] // 2)
    elif weight.shape[-1] == 1:
        x = F.conv2d(fir(x, 1, 1)[:, :, ::2, ::2], weight)
    else:
        x = F.conv2d(fir(x, 2, 2), weight, p["bias"], stride=2)
    return 2**0.5 * F.leaky_relu(x, 0.2) if act else x


def stylegan2_discriminator(p, x, labels, classes, residual, group):
    x = equalized_conv(p["EqualizedConv_0"], x)
    for index in range(sum(name.startswith("HalvingBlock") for name in p)):
        block = p[f"HalvingBlock_{index}"]
        h = equalized_conv(block["EqualizedConv_0"], x)
        h = equalized_conv(block["EqualizedConv_1"], h, down=True)
        if residual:
            shortcut = equalized_conv(block["shortcut"], x, act=False, down=True)
            h = (h + shortcut) / 2**0.5
        x = h
    deviation = (x.unflatten(0, (-1, group)).var(1, unbiased=False) + 1e-8).sqrt()
    statistic = deviation.mean((1, 2, 3)).repeat_interleave(group)
    statistic = statistic[:, None, None, None].expand(-1, 1, *x.shape[2:])
    x = equalized_conv(p["EqualizedConv_1"], torch.cat([x, statistic], 1))
    x = equalized(p["EqualizedDense_0"], x.permute(0, 2, 3, 1).flatten(1), act=True)
    x = equalized(p["EqualizedDense_1"], x)
    label = mapped(p["MappingNetwork_0"], None, labels, classes)
    return (x * label).sum(1) / x.shape[1] ** 0.5
