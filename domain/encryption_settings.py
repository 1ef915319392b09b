"""The settings of encryption at rest; the keys themselves stand in none of them."""

from __future__ import annotations

from pydantic import Field, model_validator

from domain.settings_branch import Branch


class EncryptionSettings(Branch):
    """What the agent writes to disk, sealed; keys come from SRE_ENCRYPTION_KEYS, a file or a command."""

    enabled: bool = False
    """On: what quotes logs is sealed with the first key; off: it is written plain, and what is sealed can be read."""
    keys_file: str = ""
    """File with a key a line, `id:base64 of 32 bytes`: the first seals, all open; relative to the project."""
    keys_command: str = ""
    """Command that prints such lines, run without a shell, for example `pass show sre/keys`."""
    command_seconds: float = Field(10, gt=0, le=86_400)
    """The longest that the command may take."""
    quotes_in_artifacts: bool = True
    """Off: the pages of incidents in Prefect leave out what logs said."""

    @model_validator(mode="after")
    def _of_one_place(self) -> EncryptionSettings:
        """Two places could disagree on which key is the first."""
        if self.keys_file and self.keys_command:
            raise ValueError("keys_file and keys_command are both set: keep one of them")
        return self
