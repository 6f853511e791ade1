"""Flax generators and discriminators, one file per family.

Every generator is called ``(latents, condition=None, *, train)`` and every discriminator
``(samples, condition=None, *, train)``.

=================  ==================================================================================
file               family
=================  ==================================================================================
mlp.py             fully connected players
dcgan.py           DCGAN; upsampling.py: a generator that enlarges instead
resnet.py          WGAN-GP, SNGAN, SAGAN; its blocks: residual.py, attention.py
biggan.py          BigGAN; biggan_deep.py: BigGAN-deep
r3gan.py           R3GAN
stylegan2.py       StyleGAN2; its layers: styles.py, equalized.py; stylegan2_discriminator.py
progressive.py     ProGAN: one program for all stages of growth
coupled.py         CoGAN: two domains, each player of two that share layers
several.py         MAD-GAN: several generators of any family, told apart by the discriminator
autoencoder.py     BiGAN: an encoder and a decoder, and a discriminator of pairs
weight_norm.py     a noisy classifier as the discriminator, with weight normalisation
unet.py            U-Net, and patch.py: PatchGAN; paired.py: the game of an input and a truth (pix2pix)
translators.py     CycleGAN's generators; the games between two domains: cycle.py, contrastive.py (CUT)
segmenting.py      the game of images under masks
captions.py        words in, images out: encoders, and a discriminator that minds what was said
sequences.py       tokens: a recurrent generator, and a discriminator of windows
absent.py          a discriminator that is not there
=================  ==================================================================================

What they share: blocks.py, convolutions.py, resampling.py; how labels enter: conditioning.py; what a
discriminator says besides its logit: heads.py; what it sees of a whole batch: minibatch_std.py.
"""
