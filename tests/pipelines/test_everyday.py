"""What users of BasicSR and its forks write in option files and on the command line, and expect to work."""

from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import pytest
import torch

from spikereveal_plugin.cli.basicsr import build_parser, main
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.torch_training import optimizer_class, scheduler_class
from spikereveal_plugin.options import load_options, override
from spikereveal_plugin.pipelines.check import RunCosts
from spikereveal_plugin.pipelines.loaders import build_train_data
from spikereveal_plugin.pipelines.setup import prepare_options

Stock = Callable[[Path], Path]


@pytest.fixture
def folder(tmp_path: Path, stock: Stock, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    stock(tmp_path)
    return tmp_path


def train(*entries: str, check: bool = False) -> int:
    force = ['datasets:train:num_worker_per_gpu=0', 'datasets:train:prefetch_mode=~', 'train:total_iter=4', *entries]
    return main(['train', '-opt', 'stock.yml', *(['--check'] if check else []), '--force_yml', *force])


@pytest.mark.smoke
@pytest.mark.parametrize('number', ['!!float 2', '2.0', '2e0'])
def test_whole_numbers_may_be_written_as_floats(number, folder):
    entries = [f'val:val_freq={number}', f'logger:save_checkpoint_freq={number}', 'train:total_iter=!!float 4']
    assert train(*entries) == 0
    assert (folder / 'experiments/stock/training_states/2.state').is_file()


@pytest.mark.parametrize('kind', ['spikes', 'stock'])
def test_other_floats_are_refused(kind, folder, capsys):
    assert train('val:val_freq=2.5') == 1
    assert 'val.val_freq: expected a whole number' in capsys.readouterr().err


@pytest.mark.smoke
@pytest.mark.parametrize('optimiser', ['AdamW', 'SGD', 'NAdam', 'RMSprop'])
@pytest.mark.parametrize('schedule', ['{type: CosineAnnealingLR, T_max: 4}', '{type: StepLR, step_size: 2}'])
def test_torchs_optimisers_and_schedules(optimiser, schedule, folder, capsys):
    entries = [f'train:optim_g={{type: {optimiser}, lr: 1e-3}}', f'train:scheduler={schedule}']
    assert train(*entries, 'logger:save_checkpoint_freq=2', 'val=~', 'name=whole') == 0, capsys.readouterr().err
    assert train(*entries, 'logger:save_checkpoint_freq=2', 'val=~', 'name=parts', 'train:total_iter=2') == 0
    again = ['train', '-opt', 'stock.yml', '--auto_resume', '--force_yml', *entries, 'val=~', 'name=parts']
    force = ['datasets:train:num_worker_per_gpu=0', 'datasets:train:prefetch_mode=~', 'train:total_iter=4']
    assert main([*again, *force]) == 0, capsys.readouterr().err
    weights = [torch.load(f'experiments/{n}/models/net_g_latest.pth', weights_only=True) for n in ('whole', 'parts')]
    assert all(torch.equal(weights[0]['params'][key], weights[1]['params'][key]) for key in weights[0]['params'])


@pytest.mark.parametrize('name', ['Adm', 'LBFGS', 'Optimizer', '_params_t', None, 'ReduceLROnPlateau'])
def test_what_cannot_train_is_refused_by_the_nearest_name(name):
    with pytest.raises(OptionError, match='unknown value'):
        optimizer_class(name, 'train.optim_g.type')
    with pytest.raises(OptionError, match='unknown value'):
        scheduler_class(name, 'train.scheduler.type')


def test_basicsrs_models_with_a_suffix_are_found(folder, capsys):
    assert train('model_type=RealESRNetMdel') == 1
    assert "Did you mean 'RealESRNetModel'?" in capsys.readouterr().err
    assert train('model_type=RealESRNetModel') == 1  # whose data set brings kernels
    assert 'unknown' not in capsys.readouterr().err


@pytest.mark.smoke
def test_check_uses_a_models_own_validation(folder, monkeypatch, capsys):
    from basicsr.models.sr_model import SRModel

    called = []

    def validation(self, dataloader, current_iter, tb_logger, save_img=False):
        called.append(len(dataloader))

    monkeypatch.setattr(SRModel, 'validation', validation, raising=False)
    monkeypatch.setattr(SRModel, 'nondist_validation', lambda *_: 1 / 0)
    assert train(check=True) == 0, capsys.readouterr().err
    assert called


def test_the_costs_of_a_run_are_those_of_its_parts():
    opt = {'val': {'val_freq': 1000}, 'logger': {'save_checkpoint_freq': 500}}
    said = RunCosts(step=0.5, checkpoint=1.0, validation=60.0).of_run(opt, 7200)
    assert said.startswith('about 1:08:15 (training 1:00:00, validation 0:08:00, checkpoints 0:00:15)')
    assert 'validation 0:00:00' in RunCosts(step=0.5).of_run({**opt, 'val': None}, 10)


@pytest.mark.smoke
def test_no_estimate_is_below_zero(folder):
    assert train('logger:print_freq=1', 'val=~') == 0
    log = next((folder / 'experiments/stock').glob('train_*.log')).read_text()
    assert log.count('[eta: 0:00:') == 4
    assert '-1 day' not in log


def test_several_force_yml_add_up():
    args = build_parser().parse_args(['train', '-opt', 'x.yml', '--force_yml', 'a=1', '--force_yml', 'b=2', 'c=3'])
    assert args.force_yml == ['a=1', 'b=2', 'c=3']


@pytest.mark.parametrize('text', ['name: a\nname: b\n', 'train: {lr: 1, lr: 2}\n', '{a: 1, a: 1}'])
def test_a_key_given_twice_is_refused(text, tmp_path):
    (tmp_path / 'x.yml').write_text(text)
    with pytest.raises(OptionError, match=r"the key '\w+' is given twice"):
        load_options(tmp_path / 'x.yml')


def test_merge_keys_still_work(tmp_path):
    (tmp_path / 'x.yml').write_text('a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n')
    assert load_options(tmp_path / 'x.yml')['b'] == {'x': 1, 'y': 3}


@pytest.mark.parametrize(('entries', 'left'), [
    (['train:total_iter=20'], {'total_iter': 20}),
    (['train:total_epoch=3'], {'total_epoch': 3}),
    (['train:total_iter=20', 'train:total_epoch=~'], {'total_iter': 20, 'total_epoch': None}),
    (['train:lr=1'], {'total_epoch': 200, 'lr': 1}),
])  # fmt: skip
def test_a_length_on_the_command_line_is_the_length(entries, left):
    opt: dict = {'train': {'total_epoch': 200}}
    override(opt, entries)
    assert opt['train'] == left


@pytest.mark.parametrize('entry', ['train:amp=bf16', 'train:grad_clip=1.0', 'train:compile=true', 'train:accumulate=2'])
def test_what_stock_models_do_not_look_at_is_refused(entry, folder, capsys):
    assert train(entry) == 1
    assert (
        f'{entry.partition("=")[0].replace(":", ".")}: SRModel of BasicSR does not know it' in capsys.readouterr().err
    )


def test_an_argument_that_a_stock_metric_ignores_is_refused(folder, capsys):
    assert train('val:metrics:psnr:crop_boarder=4') == 1
    assert "unknown option 'crop_boarder'. Did you mean 'crop_border'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ('model', 'entry', 'said'),
    [
        ('bsn', 'network_sr={type: SpikeEDSR}', 'network_sr: BSNModel has no network_sr; take it out'),
        ('edsr', 'path:pretrain_network_bsn=bsn.pth', 'path.pretrain_network_bsn: SpikeEDSRModel has no network_bsn'),
        ('bsn', 'path:param_key_sr=params', 'path.param_key_sr: BSNModel has no network_sr'),
        ('ldn', 'scale=4', 'scale: frames of SpikeDistillModel are as large as the photo; expected 1, found 4'),
        ('ldn', 'val:suffix=mine', 'val.suffix: SpikeDistillModel names frames by their readouts'),
        ('ldn', 'dist_params={backend: gloo, ports: 3}', "dist_params: unknown option 'ports'. Did you mean 'port'?"),
    ],
)
def test_no_key_is_accepted_and_not_used(model, entry, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(['train', '-opt', f'options/{model}_sample.yml', '--force_yml', entry]) == 1
    assert said in capsys.readouterr().err


def test_workers_load_as_far_ahead_and_live_as_long_as_they_are_asked(folder):
    args = build_parser().parse_args(['train', '-opt', 'stock.yml'])
    opt = prepare_options(args, is_train=True)
    section = opt['datasets']['train'] | {'num_worker_per_gpu': 1, 'num_prefetch_queue': 5, 'persistent_workers': False}
    loader = build_train_data(opt | {'datasets': opt['datasets'] | {'train': section}}).loader
    assert (loader.prefetch_factor, loader.persistent_workers) == (5, False)


UNKNOWN = {
    'network': (['network_g:type=MSRResNt'], "network_g: unknown type 'MSRResNt'. Did you mean 'MSRResNet'?"),
    'loss': (['train:pixel_opt:type=L1Los'], "train.pixel_opt: unknown type 'L1Los'. Did you mean 'L1Loss'?"),
    'data set': (
        ['datasets:train:type=PairedImageDatset'],
        "datasets.train: unknown type 'PairedImageDatset'. Did",
    ),
    'metric': (['val:metrics:psnr:type=calculate_psn'], "Did you mean 'calculate_psnr'?"),
    'optimiser': (['train:optim_g:type=Adm'], "train.optim_g.type: unknown value 'Adm'"),
    'schedule': (['train:scheduler:type=MultiStep'], "train.scheduler.type: unknown value 'MultiStep'"),
    'model': (['model_type=SRMdel'], "Did you mean 'SRModel'?"),
    'no type': (['network_g={num_feat: 8}'], 'network_g: expected a section with a `type`'),
}


@pytest.mark.parametrize(('entries', 'said'), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_names_of_stock_sections_are_one_line(entries, said, folder, capsys):
    assert train(*entries) == 1
    error = capsys.readouterr().err
    assert said in error
    assert 'Traceback' not in error
    assert not (folder / 'experiments').exists()


@pytest.mark.filterwarnings('ignore::UserWarning')
def test_a_download_that_fails_says_where_the_file_goes(folder, capsys, monkeypatch):
    def refuse(*_, **__):
        raise URLError('no network')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', refuse)
    monkeypatch.setenv('TORCH_HOME', str(folder / 'torch'))
    loss = (
        '{type: PerceptualLoss, layer_weights: {conv5_4: 1}, vgg_type: vgg19, perceptual_weight: 1.0, style_weight: 0}'
    )
    assert train(f'train:perceptual_opt={loss}') == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert 'https://download.pytorch.org/models/vgg19' in error
    assert f'put it at {folder}/torch/hub/checkpoints/vgg19' in error


@pytest.mark.smoke
@pytest.mark.parametrize('takes', ['state', 'file'])
def test_a_rate_that_changed_before_a_resume_is_said(takes, folder, capsys):
    late = 'train:scheduler={type: MultiStepLR, milestones: [100], gamma: 0.5}'
    entries = ['logger:save_checkpoint_freq=2', 'val=~', late]
    assert train(*entries, 'train:total_iter=2') == 0
    force = ['datasets:train:num_worker_per_gpu=0', 'datasets:train:prefetch_mode=~', 'train:total_iter=4']
    force += [*entries[:2], 'train:scheduler={type: MultiStepLR, milestones: [3], gamma: 0.5}', 'train:optim_g:lr=1e-3']
    command = ['train', '-opt', 'stock.yml', '--auto_resume', '--resume_lr', takes, '--force_yml', *force]
    assert main(command) == 0
    said = capsys.readouterr().err
    assert 'learning rate 0.0002 (option file: 0.001)' in said
    assert 'schedule milestones Counter({100: 1}) (option file: Counter({3: 1}))' in said
    state = torch.load(folder / 'experiments/stock/training_states/4.state', weights_only=True)
    group = state['optimizers'][0]['param_groups'][0]
    assert (group['initial_lr'], group['lr']) == ((2e-4, 2e-4) if takes == 'state' else (1e-3, 5e-4))
    assert ('Taken from the option file' in said) == (takes == 'file')


@pytest.mark.smoke
def test_a_resume_beyond_the_end_is_said(folder, capsys):
    entries = ['logger:save_checkpoint_freq=2', 'val=~']
    assert train(*entries) == 0
    force = ['datasets:train:num_worker_per_gpu=0', 'datasets:train:prefetch_mode=~', 'train:total_iter=2', *entries]
    assert main(['train', '-opt', 'stock.yml', '--auto_resume', '--force_yml', *force]) == 0
    assert 'Nothing is left to train: train.total_iter is 2.' in capsys.readouterr().err


@pytest.mark.smoke
def test_weights_are_named_by_their_own_iteration(folder, capsys):
    entries = ['logger:save_checkpoint_freq=2', 'val:save_best=psnr']
    assert train(*entries) == 0
    capsys.readouterr()
    force = ['datasets:train:num_worker_per_gpu=0', 'datasets:train:prefetch_mode=~', 'train:total_iter=2', *entries]
    assert main(['train', '-opt', 'stock.yml', '--auto_resume', '--force_yml', *force]) == 0
    assert '@ 4 iter' in (said := capsys.readouterr().err)
    assert '@ 2 iter' not in said


@pytest.mark.smoke
def test_the_option_file_of_an_experiment_can_be_trained_again(folder, capsys):
    entries = ['val=~', 'logger:save_checkpoint_freq=2']
    assert train(*entries) == 0
    copy = folder / 'experiments/stock/stock.yml'
    force = ['datasets:train:num_worker_per_gpu=0', 'datasets:train:prefetch_mode=~', 'train:total_iter=6', *entries]
    assert main(['train', '-opt', str(copy), '--auto_resume', '--force_yml', *force]) == 0, capsys.readouterr().err
    assert (folder / 'experiments/stock/training_states/6.state').is_file()
    assert main(['train', '-opt', str(copy), '--force_yml', *force]) == 0, capsys.readouterr().err
    assert copy.is_file()
    (archived,) = folder.glob('experiments/stock_archived_*')
    assert (archived / 'stock.yml').is_file()
