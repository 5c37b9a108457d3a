"""Option files of every kind that BasicSR ships, small enough for a CPU: each model with its data sets and networks.

Facts of BasicSR 1.4.2: which model, data set, network and losses go together in its option files. Sizes are cut; what a
file must name stays. Losses that download VGG16 are left out, as there may be no network.
"""

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any, Final

import cv2
import lmdb
import numpy as np

Options = dict[str, Any]
DISK: Final = {'type': 'disk'}
PIXEL: Final = {'pixel_opt': {'type': 'L1Loss', 'loss_weight': 1.0, 'reduction': 'mean'}}
CHARBONNIER: Final = {'pixel_opt': {'type': 'CharbonnierLoss', 'loss_weight': 1.0, 'reduction': 'sum'}}
ADAM: Final = {'type': 'Adam', 'lr': 2e-4, 'weight_decay': 0, 'betas': [0.9, 0.99]}
GAN: Final = {
    **PIXEL,
    'gan_opt': {
        'type': 'GANLoss',
        'gan_type': 'vanilla',
        'real_label_val': 1.0,
        'fake_label_val': 0.0,
        'loss_weight': 5e-3,
    },
    'optim_d': ADAM,
    'net_d_iters': 1,
    'net_d_init_iters': 0,
}
RGB: Final = {'num_in_ch': 3, 'num_out_ch': 3}
SMALL: Final = {**RGB, 'num_feat': 8, 'num_block': 1, 'upscale': 4}
EDSR: Final = {**SMALL, 'type': 'EDSR', 'res_scale': 1, 'img_range': 255.0, 'rgb_mean': [0.4488, 0.4371, 0.4040]}
RRDB: Final = {**RGB, 'type': 'RRDBNet', 'num_feat': 8, 'num_block': 1, 'num_grow_ch': 4}
EDVR: Final = {
    'type': 'EDVR',
    'num_in_ch': 3,
    'num_out_ch': 3,
    'num_feat': 16,
    'num_frame': 5,
    'deformable_groups': 2,
    'num_extract_block': 1,
    'num_reconstruct_block': 1,
    'center_frame_idx': 2,
    'hr_in': False,
    'with_predeblur': False,
}
SHAPES: Final = ['iso', 'aniso', 'generalized_iso', 'generalized_aniso', 'plateau_iso', 'plateau_aniso']
OFTEN: Final = [0.45, 0.25, 0.12, 0.03, 0.12, 0.03]
KERNELS: Final = {
    'blur_kernel_size': 21,
    'kernel_list': SHAPES,
    'kernel_prob': OFTEN,
    'sinc_prob': 0.1,
    'blur_sigma': [0.2, 3],
    'betag_range': [0.5, 4],
    'betap_range': [1, 2],
    'blur_kernel_size2': 21,
    'kernel_list2': SHAPES,
    'kernel_prob2': OFTEN,
    'sinc_prob2': 0.1,
    'blur_sigma2': [0.2, 1.5],
    'betag_range2': [0.5, 4],
    'betap_range2': [1, 2],
    'final_sinc_prob': 0.8,
}
DEGRADATIONS: Final = {
    'l1_gt_usm': True,
    'percep_gt_usm': True,
    'gan_gt_usm': False,
    'high_order_degradation': True,
    'resize_prob': [0.2, 0.7, 0.1],
    'resize_range': [0.15, 1.5],
    'gaussian_noise_prob': 0.5,
    'noise_range': [1, 30],
    'poisson_scale_range': [0.05, 3],
    'gray_noise_prob': 0.4,
    'jpeg_range': [30, 95],
    'second_blur_prob': 0.8,
    'resize_prob2': [0.3, 0.4, 0.3],
    'resize_range2': [0.3, 1.2],
    'gaussian_noise_prob2': 0.5,
    'noise_range2': [1, 25],
    'poisson_scale_range2': [0.05, 2.5],
    'gray_noise_prob2': 0.4,
    'jpeg_range2': [30, 95],
    'gt_size': 256,
    'queue_size': 4,
}


def paired(**more: Any) -> Options:
    """One pair of pictures, whole and as it is, so that two runs see the same."""
    return {
        'type': 'PairedImageDataset',
        'dataroot_gt': 'data/one/gt',
        'dataroot_lq': 'data/one/lq',
        'filename_tmpl': '{}',
        'io_backend': DISK,
        'gt_size': 128,
        'use_hflip': False,
        'use_rot': False,
        'batch_size_per_gpu': 1,
        **more,
    }


def clips(kind: str, **more: Any) -> Options:
    """Training clips, as REDS' and Vimeo90K's data sets find them."""
    of_reds = kind.startswith('REDS')
    place = 'data/reds' if of_reds else 'data/vimeo'
    return {
        'type': kind,
        'dataroot_gt': f'{place}/gt',
        'dataroot_lq': f'{place}/lq',
        'dataroot_flow': None,
        'meta_info_file': f'{place}/meta.txt',
        'val_partition': 'REDS4',
        'test_mode': False,
        'io_backend': DISK,
        'gt_size': 256,
        'interval_list': [1],
        'random_reverse': False,
        'use_hflip': True,
        'use_rot': True,
        **more,
    }


PAIRED_VAL: Final = {
    'type': 'PairedImageDataset',
    'dataroot_gt': 'data/gt',
    'dataroot_lq': 'data/lq',
    'io_backend': DISK,
}
CLIPS_VAL: Final = {
    'name': 'REDS4',
    'dataroot_gt': 'data/reds4/gt',
    'dataroot_lq': 'data/reds4/lq',
    'cache_data': True,
    'io_backend': DISK,
    'num_frame': 5,
    'padding': 'reflection_circle',
}
VIDEO_VAL: Final = {**CLIPS_VAL, 'type': 'VideoTestDataset'}
RECURRENT_VAL: Final = {**CLIPS_VAL, 'type': 'VideoRecurrentTestDataset', 'num_frame': -1}
RECURRENT: Final = {'type': 'BasicVSR', 'num_feat': 8, 'num_block': 1}


def kind(model: str, train: Options, network: Mapping[str, Any], val: Mapping[str, Any] | None, **more: Any) -> Options:
    """One option file; `more` goes over section `train`, but for networks and degradations."""
    top = {
        key: more.pop(key) for key in list(more) if key.startswith('network_') or key in DEGRADATIONS or key == 'scale'
    }
    losses = more.pop('losses', PIXEL)
    sections = {
        'train': {'name': 'tiny', 'num_worker_per_gpu': 0, 'batch_size_per_gpu': 2, 'dataset_enlarge_ratio': 1, **train}
    }
    if val is not None:
        sections['val'] = {'name': 'tiny', **val}
    return {
        'name': 'x',
        'model_type': model,
        'scale': 4,
        'num_gpu': 0,
        'manual_seed': 0,
        'datasets': sections,
        'network_g': dict(network),
        **top,
        'path': {'pretrain_network_g': None, 'strict_load_g': True, 'resume_state': None},
        'train': {
            'ema_decay': 0.999,
            'optim_g': ADAM,
            'total_iter': 3,
            'warmup_iter': -1,
            'scheduler': {'type': 'MultiStepLR', 'milestones': [2], 'gamma': 0.5},
            **losses,
            **more,
        },
        'val': {
            'val_freq': 3.0,
            'save_img': val is None,
            **({} if val is None else {'metrics': {'psnr': {'type': 'calculate_psnr', 'crop_border': 0}}}),
        },
        'logger': {
            'print_freq': 1,
            'save_checkpoint_freq': 3.0,
            'use_tb_logger': True,
            'wandb': {'project': None, 'resume_id': None},
        },
        'dist_params': {'backend': 'nccl', 'port': 29500},
    }


STYLE: Final = {
    'out_size': 32,
    'num_style_feat': 16,
    'num_mlp': 2,
    'channel_multiplier': 1,
    'resample_kernel': [1, 3, 3, 1],
    'lr_mlp': 0.01,
}
SHARP: Final = {
    'type': 'RealESRGANDataset',
    'dataroot_gt': 'data/gt',
    'meta_info': 'data/gt.txt',
    'io_backend': DISK,
    'gt_size': 256,
    'use_hflip': True,
    'use_rot': False,
    **KERNELS,
}
COSINE: Final = {'type': 'CosineAnnealingRestartLR', 'periods': [3], 'restart_weights': [1], 'eta_min': 1e-7}
RGAN: Final = {
    'network_d': {'type': 'UNetDiscriminatorSN', 'num_in_ch': 3, 'num_feat': 8, 'skip_connection': True},
    'losses': GAN,
}
KINDS: Final[dict[str, Options]] = {
    'EDSR': kind('SRModel', paired(), EDSR, PAIRED_VAL),
    'EDSR, worker and prefetch': kind(
        'SRModel', paired(num_worker_per_gpu=1, prefetch_mode='cuda', pin_memory=True), EDSR, PAIRED_VAL
    ),
    'MSRResNet, cosine': kind('SRModel', paired(), {**SMALL, 'type': 'MSRResNet'}, PAIRED_VAL, scheduler=COSINE),
    'RCAN': kind('SRModel', paired(), {**SMALL, 'type': 'RCAN', 'num_group': 1, 'squeeze_factor': 4}, PAIRED_VAL),
    'RRDBNet': kind('SRModel', paired(), RRDB, PAIRED_VAL),
    'ECBSR, RGB': kind(
        'SRModel',
        paired(),
        {
            'type': 'ECBSR',
            'num_in_ch': 3,
            'num_out_ch': 3,
            'num_block': 1,
            'num_channel': 8,
            'with_idt': False,
            'act_type': 'prelu',
            'scale': 4,
        },
        PAIRED_VAL,
    ),
    'ECBSR, Y': kind(
        'SRModel',
        paired(color='y'),
        {
            'type': 'ECBSR',
            'num_in_ch': 1,
            'num_out_ch': 1,
            'num_block': 1,
            'num_channel': 8,
            'with_idt': False,
            'act_type': 'prelu',
            'scale': 4,
        },
        {**PAIRED_VAL, 'color': 'y'},
    ),
    'SwinIR': kind(
        'SwinIRModel',
        paired(),
        {
            'type': 'SwinIR',
            'upscale': 4,
            'in_chans': 3,
            'img_size': 8,
            'window_size': 8,
            'img_range': 1.0,
            'depths': [1],
            'embed_dim': 12,
            'num_heads': [2],
            'mlp_ratio': 2,
            'upsampler': 'pixelshuffle',
            'resi_connection': '1conv',
        },
        PAIRED_VAL,
    ),
    'SRGAN': kind(
        'SRGANModel',
        paired(),
        {**SMALL, 'type': 'MSRResNet'},
        PAIRED_VAL,
        network_d={'type': 'VGGStyleDiscriminator', 'num_in_ch': 3, 'num_feat': 4},
        losses=GAN,
    ),
    'ESRGAN': kind(
        'ESRGANModel',
        paired(),
        RRDB,
        PAIRED_VAL,
        network_d={'type': 'VGGStyleDiscriminator', 'num_in_ch': 3, 'num_feat': 4},
        losses=GAN,
    ),
    'RealESRNet': kind('RealESRNetModel', SHARP, RRDB, None, **DEGRADATIONS),
    'RealESRGAN': kind('RealESRGANModel', SHARP, RRDB, None, **DEGRADATIONS, **RGAN),
    'RealESRGAN, pairs': kind(
        'RealESRGANModel',
        {
            'type': 'RealESRGANPairedDataset',
            'dataroot_gt': 'data/gt',
            'dataroot_lq': 'data/lq',
            'meta_info': 'data/pairs.txt',
            'io_backend': DISK,
            'gt_size': 64,
            'use_hflip': True,
            'use_rot': False,
        },
        RRDB,
        None,
        **{**DEGRADATIONS, 'high_order_degradation': False},
        **RGAN,
    ),
    'SRVGG': kind(
        'SRModel',
        paired(),
        {'type': 'SRVGGNetCompact', **RGB, 'num_feat': 8, 'num_conv': 2, 'upscale': 4, 'act_type': 'prelu'},
        PAIRED_VAL,
    ),
    'EDVR, TSA': kind(
        'EDVRModel',
        clips('REDSDataset', num_frame=5),
        {**EDVR, 'with_tsa': True},
        VIDEO_VAL,
        losses=CHARBONNIER,
        tsa_iter=2,
    ),
    'EDVR without TSA': kind(
        'VideoBaseModel', clips('REDSDataset', num_frame=5), {**EDVR, 'with_tsa': False}, VIDEO_VAL, losses=CHARBONNIER
    ),
    'EDVR, Vimeo90K': kind(
        'VideoBaseModel', clips('Vimeo90KDataset', num_frame=5), {**EDVR, 'with_tsa': False}, None, losses=CHARBONNIER
    ),
    'BasicVSR': kind(
        'VideoRecurrentModel',
        clips('REDSRecurrentDataset', num_frame=3),
        RECURRENT,
        RECURRENT_VAL,
        losses=CHARBONNIER,
        fix_flow=1,
        flow_lr_mul=0.125,
    ),
    'BasicVSR, Vimeo90K': kind(
        'VideoRecurrentModel',
        clips('Vimeo90KRecurrentDataset', num_frame=7, flip_sequence=True),
        RECURRENT,
        None,
        losses=CHARBONNIER,
        fix_flow=1,
        flow_lr_mul=0.125,
    ),
    'IconVSR': kind(
        'VideoRecurrentModel',
        clips('REDSRecurrentDataset', num_frame=6),
        {'type': 'IconVSR', 'num_feat': 64, 'num_block': 1, 'keyframe_stride': 5, 'temporal_padding': 2},
        None,
        losses=CHARBONNIER,
        fix_flow=1,
        flow_lr_mul=0.125,
    ),
    'BasicVSR++': kind(
        'VideoRecurrentModel',
        clips('REDSRecurrentDataset', num_frame=3),
        {'type': 'BasicVSRPlusPlus', 'mid_channels': 64, 'num_blocks': 1, 'is_low_res_input': True},
        None,
        losses=CHARBONNIER,
        fix_flow=1,
        flow_lr_mul=0.125,
    ),
    'BasicVSR, GAN': kind(
        'VideoRecurrentGANModel',
        clips('REDSRecurrentDataset', num_frame=3),
        RECURRENT,
        None,
        network_d={'type': 'UNetDiscriminatorSN', 'num_in_ch': 3, 'num_feat': 8},
        fix_flow=1,
        lr_flow=1e-5,
        losses=GAN,
    ),
    'StyleGAN2': kind(
        'StyleGAN2Model',
        {
            'type': 'FFHQDataset',
            'dataroot_gt': 'data/ffhq.lmdb',
            'io_backend': {'type': 'lmdb'},
            'use_hflip': True,
            'mean': [0.5, 0.5, 0.5],
            'std': [0.5, 0.5, 0.5],
        },
        {'type': 'StyleGAN2Generator', **STYLE},
        None,
        network_d={
            'type': 'StyleGAN2Discriminator',
            'out_size': 32,
            'channel_multiplier': 1,
            'resample_kernel': [1, 3, 3, 1],
        },
        losses={
            'gan_opt': {'type': 'GANLoss', 'gan_type': 'wgan_softplus', 'loss_weight': 1},
            'r1_reg_weight': 10,
            'path_reg_weight': 2,
            'path_batch_shrink': 2,
            'mixing_prob': 0.9,
            'net_g_reg_every': 4,
            'net_d_reg_every': 16,
            'net_d_iters': 1,
            'net_d_init_iters': 0,
            'optim_d': {'type': 'Adam', 'lr': 2e-3},
        },
    ),
}
"""By a name for the table."""


def write_data(folder: Path) -> None:
    """Write what the option files name: pictures, clips of REDS' and Vimeo90K's form, and an LMDB."""
    rng = np.random.default_rng(0)

    def write(path: Path, size: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = rng.integers(0, 256, (size // 8, size // 8, 3), np.uint8)
        cv2.imwrite(str(path), cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC))

    for number in range(4):
        write(folder / f'gt/{number}.png', 256)
        write(folder / f'lq/{number}.png', 64)
    (folder / 'gt.txt').write_text(''.join(f'{number}.png\n' for number in range(4)))
    (folder / 'pairs.txt').write_text(''.join(f'{number}.png, {number}.png\n' for number in range(4)))
    for kind_, size in (('gt', 128), ('lq', 32)):
        write(folder / f'one/{kind_}/0.png', size)
    for kind_, size in (('gt', 256), ('lq', 64)):
        for index in range(100):  # REDS' data sets draw frames from 0 to 99 whatever their list says
            write(folder / f'reds/{kind_}/001/{index:08d}.png', size)
        for clip in ('000', '011'):
            for index in range(6):
                write(folder / f'reds4/{kind_}/{clip}/{index:08d}.png', size)
        for clip, index in product(('0001', '0002'), range(1, 8)):
            write(folder / f'vimeo/{kind_}/00001/{clip}/im{index}.png', size)
    (folder / 'reds/meta.txt').write_text('001 100 (256,256,3)\n')
    (folder / 'vimeo/meta.txt').write_text(''.join(f'00001/{clip} 7 (256,256,3)\n' for clip in ('0001', '0002')))
    faces = {
        f'{number:08d}': cv2.imencode('.png', rng.integers(0, 256, (32, 32, 3), np.uint8))[1].tobytes()
        for number in range(8)
    }
    (folder / 'ffhq.lmdb').mkdir()
    with (
        lmdb.open(str(folder / 'ffhq.lmdb'), map_size=2**24) as environment,
        environment.begin(write=True) as transaction,
    ):
        for key, raw in faces.items():
            transaction.put(key.encode(), raw)
    (folder / 'ffhq.lmdb/meta_info.txt').write_text(''.join(f'{key}.png (32,32,3) 1\n' for key in faces))
