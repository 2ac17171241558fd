"""The verbs of the `synth-nodes` command, one file each."""
