#!/bin/sh
# Makes the secrets that the compose files name, each in a file of its own, and leaves those that are there as they are.
#   deploy/docker/make-secrets.sh [folder]      default: secrets, beside this script
#
# Compose hands a file to a container with its owner and mode, and the processes there run as different users: so each file is readable
# by all, and the folder, which containers do not see, by its owner alone.
set -eu
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
secret() { # name, content
  [ -e "$folder/$1" ] && return 0
  printf '%s\n' "$2" >"$folder/$1"
  chmod 444 "$folder/$1"
  echo "made $1"
}

secret api_token "$(random)"
secret bridge_token "$(random)"
secret bridge_tokens "$(cat "$folder/bridge_token")"
secret grafana_admin_password "$(random)"
secret postgres_password "$(random)"
secret store_url "postgres://tocsin:$(cat "$folder/postgres_password")@postgres:5432/tocsin"
secret redis_conf "requirepass $(random)"
secret cache_url "redis://:$(sed -n 's/^requirepass //p' "$folder/redis_conf")@redis:6379"
# Empty until there is a GitLab or a model: then put the token or key in, and name the file in .env (README.md).
[ -e "$folder/gitlab_token" ] || { : >"$folder/gitlab_token"; chmod 444 "$folder/gitlab_token"; }
[ -e "$folder/llm_api_key" ] || { : >"$folder/llm_api_key"; chmod 444 "$folder/llm_api_key"; }
