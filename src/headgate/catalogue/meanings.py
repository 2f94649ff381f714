"""What the keys of accounts and targets mean, in one place: for hints, the JSON Schema and help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: What the parameters of accounts and targets are. Adobe's names; the hint of one destination is added to it.
MEANINGS: Final[Mapping[str, str]] = {
    "s3AccessKey": "The id of an AWS access key.",
    "s3SecretKey": "The secret of that key.",
    "accessId": "The id of an AWS access key.",
    "secretKey": "The secret of that key.",
    "connectionString": "The connection string of the storage account.",
    "url": "The address of the storage account.",
    "servicePrincipalId": "The application (client) id of the service principal.",
    "servicePrincipalKey": "The key of the service principal.",
    "tenant": "The directory (tenant) of the service principal.",
    "accessKeyId": "The id of an HMAC key of the project.",
    "secretAccessKey": "The secret of that key.",
    "domain": "The server, by name or address.",
    "host": "The server, by name or address.",
    "port": "The server's port, as text.",
    "username": "The account's user.",
    "password": "The account's password.",
    "sshKey": "The private key.",
    "securityToken": "The security token of the user.",
    "endpoint": "The address of the instance.",
    "bucketName": "The bucket that is written to.",
    "container": "The container that is written to.",
    "path": "The folder that is written to.",
    "remotePath": "The folder that is written to, on the server.",
    "mode": "How the target is addressed; told by the other keys where it is left out.",
    "format": "The format of the files: these destinations write CSV only.",
    "fileType": "The format of the files.",
    "datasetFileType": "The format of the files.",
    "compression": "How the files are compressed; JSON is exported compressed only.",
    "csvOptions": "How CSV is written; with fileType CSV only.",
    "quote": "The character around values.",
    "escape": "The character before a quote in a value.",
    "delimiter": "The character between values.",
    "nullValue": "What is written where there is no value.",
    "emptyValue": "What is written for empty text.",
    "includeFileManifest": "Whether a file that lists the exported files is written, too.",
    "encryptionAlgo": "PGPGPG encrypts, NONE does not.",
    "publicKey": "The public key, encoded in base64.",
    "specName": "The name of the specification, as Adobe has it.",
    "params": "Its parameters.",
}


def hinted(text: str) -> str:
    """A description as a hint, which is no sentence of its own."""
    first = text[:1].lower() if text[1:2].islower() or text[1:2] == " " else text[:1]
    return f"{first}{text[1:]}".rstrip(".")
