"""What is said of files that people name and that cannot be used."""

import pytest

from synth_nodes.errors import InputError
from synth_nodes.files import read_json, unreadable, unwritable


def refused(path):
    try:
        path.read_bytes()
    except OSError as error:
        return str(unreadable(path, error, 'map'))
    raise AssertionError('it was read')


def test_missing_file_is_told_with_what_to_do(tmp_path):
    (tmp_path / 'safety.yaml').write_text('')
    missing = tmp_path / 'saftey.yaml'
    assert refused(missing) == (f'map {missing}: cannot be read: No such file or directory; did '
                                f"you mean '{tmp_path / 'safety.yaml'}'?")
    assert refused(tmp_path / 'q').endswith('; check the name, and the folder it is in')
    nowhere = tmp_path / 'no' / 'safety.yaml'
    assert refused(nowhere).endswith(f"; there is no folder {tmp_path / 'no'}: check the path")


def test_folder_in_place_of_a_file_is_told_with_what_to_do(tmp_path):
    assert refused(tmp_path).endswith('Is a directory; name a file in that folder')


@pytest.mark.parametrize(('error', 'remedy'), [
    (PermissionError(13, 'Permission denied'), 'give yourself the right to read it'),
    (OSError(5, 'Input/output error'), 'name another one')])
def test_other_errors_have_remedies_too(tmp_path, error, remedy):
    said = str(unreadable(tmp_path / 'a', error))
    assert said.startswith(f'{tmp_path}/a: cannot be read: {error.strerror}; {remedy}')


def test_file_that_cannot_be_written_is_told_with_what_to_do(tmp_path):
    for error, remedy in ((FileNotFoundError(2, 'x'), 'make its folder first'),
                          (PermissionError(13, 'x'), 'name a file that may be written')):
        assert str(unwritable(tmp_path, error)) == f'{tmp_path}: cannot be written: x; {remedy}'


def test_missing_json_names_what_it_should_be(tmp_path):
    with pytest.raises(InputError, match=r'^contract .*: cannot be read: .*; check the name'):
        read_json(tmp_path / 'none.json', 'contract')
