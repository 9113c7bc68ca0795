"""What the history keeps of what is typed: no credential in the forms in which commands take them, and all else."""

from __future__ import annotations

import pytest

from lambda_kernel.session.secret_patterns import typed_without

# What stands between « and » must not be kept; all else of the line is.
SECRET = [
    "KEY=«9f8a7b6c5d4e3f2a1b0c»",
    "STRIPE_KEY=«9f8a7b6c5d4e3f2a1b0c» npm start",
    "export TOKEN=«abc123def456»",
    "export TOKEN='«abc123def456»'",
    'export GITHUB_TOKEN="«abc123def456»"',
    "SECRET=«hunter2»",
    "DB_PASSWORD=«abc» ./run",
    "PGPASSWORD=«hunter2» psql -h db",
    "MYSQL_PWD=«hunter2» mysql",
    "PASSPHRASE='«correct horse battery»'",
    'PASSWORD="«two words»" x',
    "x --secret_key=«abcdef123»",
    "x --secret-key «abcdef123»",
    "x --api-key=«abcdef123» --verbose",
    "x --api-key '«abcdef123»'",
    "x --token «abcdef123»",
    "x --access-token=«abcdef123»",
    "x --client-secret «abcdef123» --tenant t",
    "x --password «hunter2»",
    "x --password=«p-w»",
    "x --pass «hunter2»",
    "x -password «hunter2»",
    "curl -H 'x-api-key: «abcdef123»' https://example.com",
    "curl -H 'X-Auth-Token: «abcdef123»' https://example.com",
    'curl -H "Authorization: Bearer «abc.def-ghi»" https://example.com',
    "curl -H 'Authorization: Basic «dXNlcjpwYXNz»' https://example.com",
    "curl -H 'Authorization: token «abc123def»' https://example.com",
    "curl -H 'PRIVATE-TOKEN: «abc123def»' https://gitlab.example.com",
    "curl -H 'Cookie: session=«abc123def»; b=2' https://example.com",
    "curl -b 'sid=«abc123def»' https://example.com",
    "curl -u joe:«hunter2» https://example.com",
    "curl --user 'joe:«hunter2»' https://example.com",
    "curl -d '{\"user\": \"joe\", \"password\": \"«hunter2»\"}' https://example.com",
    "curl -d 'user=joe&password=«hunter2»&x=1' https://example.com",
    "curl 'https://example.com/?api_key=«abcdef123»&x=1'",
    "wget --password=«hunter2» --user=joe https://example.com",
    "http -a joe:«hunter2» example.com",
    "mysql -uroot -p«hunter2» db",
    "mysqldump -h db -p'«hunter2»' db",
    "sshpass -p «hunter2» ssh host",
    "sshpass -p'«hunter2»' ssh host",
    "docker login -u joe -p «hunter2» registry",
    "docker login --password «hunter2»",
    "redis-cli -h cache -a «hunter2» ping",
    "mongosh -u joe -p «hunter2»",
    "az login -u joe -p «hunter2»",
    "ldapsearch -D cn=joe -w «hunter2»",
    "zip -P «hunter2» a.zip a",
    "unzip -P «hunter2» a.zip",
    "7z x -p«hunter2» a.7z",
    "openssl rsa -in key -passin pass:«hunter2»",
    "gpg --batch --passphrase «hunter2» -d x",
    "smbclient //h/s -U joe%«hunter2»",
    "htpasswd -b file joe «hunter2»",
    "echo 'joe:«hunter2»' | chpasswd",
    "psql postgresql://joe:«hunter2»@db/x",
    "psql psql://joe:«hunter2»@db/x",
    "redis-cli -u redis://:«hunter2»@cache:6379",
    "git clone https://joe:«abc123def»@github.com/x/y",
    "git clone https://«ghp_abcdefghijklmnopqrstuvwxyz0123456789»@github.com/x/y",
    "vault login «hvs.CAESIJabcdefghijklmnop»",
    "npm config set //npm.example.com/:_authToken=«npm_abcdefghijklmnopqrstuvwxyz0123456789»",
    "echo «AIzaSyA1234567890abcdefghijklmnopqrstuv»",
    "echo «SG.abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz0123456789abcdefg»",
    "echo «xoxb-123456789012-abcdefghijkl»",
    "curl https://hooks.slack.com/services/«T00000000/B00000000/abcdefghijklmnopqrstuvwx»",
    "cat >key <<E\n-----BEGIN RSA PRIVATE KEY-----\n«MIIEpAIBAAKCAQEA7bq0yEQZ\nAwEAAQ==\n»-----END RSA",
    "cat >c <<E\npassword: «hunter2»\nuser: joe\nE",
    "cat >c <<E\n[db]\npassword = «hunter2»\nuser = joe\nE",
    "set -x TOKEN «abc123def456»",
    "aws configure set aws_secret_access_key «je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY»",
    "export AWS_SECRET_ACCESS_KEY=«je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY»",
]  # fmt: skip
HARMLESS = [
    "echo $TOKEN ${PASSWORD:-none}",
    "TOKEN=$(cat token) PASSWORD=`cat p` KEY=$KEY x",
    'TOKEN="$OTHER" x --password "$PASSWORD" --token=$TOKEN',
    "mysql -p db",
    "mysql -u root -p",
    "mkdir -p /tmp/x; cp -p a b; ssh -p 22 host; ps -p 1; nc -p 80",
    "docker run -p 8080:80 -u 1000:1000 image",
    "docker login --password-stdin <token",
    "sshpass -e ssh host; sshpass -f file ssh host",
    "redis-cli -h cache ping; ls -a /tmp",
    "grep -w word file; zip -r a.zip a; unzip -p a.zip x",
    "curl -u joe https://example.com:8080/a@b",
    "curl -H 'Accept: application/json' -H \"Authorization: Bearer $TOKEN\" x",
    "curl -H 'x-api-key: '\"$KEY\" x",
    "read -sp 'Password: ' password; echo ${#password}",
    "grep password: /etc/nsswitch.conf; grep -i token README",
    "sort --key=2 file; sort -k 2; apt-key list; ssh-keygen -t ed25519 -f key",
    "key=value; for key in a b; do echo $key; done",
    "tokens=5 max_tokens=1000 x --max-tokens 1000 --keyspace x",
    "passwd; passwd joe; which passwd",
    "cat /etc/passwd; getent passwd joe",
    "awk -F: '{print $1}' /etc/passwd",
    "openssl genrsa -out key 2048; openssl rsa -in key -passin env:PASS",
    "git log --author=joe --grep=password",
    "git show 0123456789abcdef0123456789abcdef01234567 --stat",
    "sha256sum /opt/0123456789abcdef0123456789abcdef",
    "aws secretsmanager get-secret-value --secret-id db/password",
    "aws ssm get-parameter --name /db/password --with-decryption",
    "kubectl get secret my-secret -o yaml; kubectl create secret generic x --from-file=key",
    "head -1 key.pem; echo '-----BEGIN PUBLIC KEY-----'",
    "ls ~/.ssh/id_ed25519.pub; cat token.txt > secret.txt",
    "python3 -m http.server --directory secret",
    "PASSWORD= TOKEN='' x --token= ",
    "http -a example.com; git clone https://github.com/x/y; ssh joe@host:22",
    "unset TOKEN PASSWORD; export -n SECRET; env | grep -c SECRET",
    "ls /opt/Python3/site-packages/some/long/Path12",
    "smbclient //h/s -U joe; date +%Y%m%d",
    "test -n \"$PASSWORD\" && echo password is set",
    "mysql -P3306 -h db; curl -U joe x",
    "jq .token x.json; jq -r '.Credentials.SessionToken' sts.json",
]  # fmt: skip


@pytest.mark.parametrize("line", SECRET)
def test_a_credential_is_not_kept(line: str) -> None:
    typed = line.replace("«", "").replace("»", "")
    before, _, rest = line.partition("«")
    secret, _, after = rest.partition("»")
    kept = typed_without(typed)
    assert kept == f"{before}[redacted]{after}", kept
    assert secret not in kept


@pytest.mark.parametrize("line", HARMLESS)
def test_all_else_is_kept_as_it_is_typed(line: str) -> None:
    assert typed_without(line) == line


def test_a_line_that_is_made_to_take_long_does_not() -> None:
    for text in (
        "set -set " * 10_000,
        "curl " * 20_000,
        "-----BEGIN PRIVATE KEY-----\n" * 3_000,
        "a_" * 50_000,
        "mysql -" * 14_000,
    ):
        assert typed_without(text)
