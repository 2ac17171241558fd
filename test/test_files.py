import os
import stat

import pytest

from synth_nodes.files import write_atomically


@pytest.mark.skipif(os.name != 'posix', reason='folders cannot be flushed elsewhere')
def test_a_file_written_in_one_step_is_on_disk_by_name_too(tmp_path, monkeypatch):
    done = []
    replace, fsync = os.replace, os.fsync

    def noted_fsync(handle):
        done.append('folder' if stat.S_ISDIR(os.fstat(handle).st_mode) else 'file')
        fsync(handle)

    def noted_replace(source, place):
        done.append('name')
        replace(source, place)

    monkeypatch.setattr(os, 'fsync', noted_fsync)
    monkeypatch.setattr(os, 'replace', noted_replace)
    write_atomically(tmp_path / 'new' / 'file', b'content')
    assert done == ['file', 'name', 'folder']
    assert (tmp_path / 'new' / 'file').read_bytes() == b'content'
