#!/usr/bin/env bash
# Runs clients that others wrote against the simulator, and compares the
# requests that they send with those in requests/. README.md says more.
set -euo pipefail

usage() {
    cat <<'END'
Usage: run.sh [--latest] [--record] [python|typescript|wrangler|cf]...

Without a name, all four clients are checked.

  --latest  the newest versions in place of those that README.md describes
  --record  writes requests/ anew in place of comparing
END
}

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
latest= record= clients=()
for argument in "$@"; do
    case $argument in
        --latest) latest=yes ;;
        --record) record=yes ;;
        python | typescript | wrangler | cf) clients+=("$argument") ;;
        -h | --help) usage; exit ;;
        *) printf 'error: unknown argument %s\n\n' "$argument" >&2; usage >&2; exit 2 ;;
    esac
done
[[ ${#clients[@]} -gt 0 ]] || clients=(python typescript wrangler cf)

fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
for tool in cargo python3 node npm openssl timeout; do
    command -v "$tool" >/dev/null || fail "$tool is needed and not there"
done

temp=$(mktemp -d)
simulator=
stop() {
    [[ -z $simulator ]] || { kill "$simulator" && wait "$simulator"; } 2>/dev/null || true
    simulator=
}
trap 'stop; rm -rf "$temp"' EXIT
trap 'exit 130' INT TERM

say() { printf '== %s\n' "$*"; }
chosen() { [[ " ${clients[*]} " == *" $1 "* ]]; }

say 'building the simulator'
(cd "$root" && timeout 1800 cargo build --quiet -p cf-mtls-cli --bin cf-mtls)
target=$(cd "$root" && cargo metadata --format-version 1 --no-deps |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')

mkdir "$temp/home"
# A certificate that is no CA, with its key.
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=client -days 30 \
    -addext basicConstraints=critical,CA:FALSE \
    -keyout "$temp/leaf-key.pem" -out "$temp/leaf.pem" 2>"$temp/openssl.log" ||
    fail "openssl: $(<"$temp/openssl.log")"
# The CAs that fill the account, each of them another one.
mkdir "$temp/filling"
for number in {01..51}; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=filling $number" \
        -addext basicConstraints=critical,CA:TRUE -keyout /dev/null -out "$temp/filling/$number.pem" 2>"$temp/openssl.log" ||
        fail "openssl: $(<"$temp/openssl.log")"
done
if chosen python; then
    say 'installing the Python library'
    python3 -m venv "$temp/python"
    if [[ $latest ]]; then wanted=(cloudflare); else wanted=(-r "$here/requirements.txt"); fi
    timeout 900 "$temp/python/bin/pip" install --quiet --disable-pip-version-check "${wanted[@]}"
    "$temp/python/bin/pip" list --disable-pip-version-check 2>/dev/null | grep '^cloudflare '
fi
if chosen typescript || chosen wrangler || chosen cf; then
    say 'installing the TypeScript library, wrangler and cf'
    cp "$here"/*.mjs "$here/package.json" "$temp"
    wanted=()
    [[ -z $latest ]] || wanted=(cf@latest cloudflare@latest wrangler@latest)
    # wrangler asks for it; npm has Node itself, too.
    node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 12) ? 0 : 1)' ||
        wanted+=(node@22)
    (cd "$temp" && timeout 900 npm install --no-audit --no-fund --loglevel=error "${wanted[@]}")
    (cd "$temp" && npm list --depth=0 --loglevel=error | tail -n +2)
    PATH="$temp/node_modules/.bin:$PATH"
fi

# Starts a simulator that holds 51 certificates, one more than fits a page. The
# responses to the client's second upload and its fourth delete will be lost.
start() {
    "$target/debug/cf-mtls" simulate --quota 60 --log --lose upload:53 --lose delete:4 \
        --demo-products >"$temp/$1.env" 2>"$temp/$1.log" &
    simulator=$!
    for ((tries = 0; tries < 100; tries++)); do
        grep -q '^# zone' "$temp/$1.log" && break
        sleep 0.1
    done
    zone=$(sed -n 's/^# zone .*: //p' "$temp/$1.log")
    [[ $zone ]] || fail 'the simulator did not start in ten seconds'
    environment=(
        PATH="$PATH" HOME="$temp/home" TMPDIR="$temp" LANG=C.UTF-8 NO_COLOR=1
        CA_FILE="$here/../src/fixtures/documented-ca.pem" FILLING="$temp/filling" ZONE_ID="$zone"
        LEAF_FILE="$temp/leaf.pem" LEAF_KEY_FILE="$temp/leaf-key.pem"
        NODE_OPTIONS="--require $here/loopback-only.cjs" ELSEWHERE="$temp/$1.elsewhere"
        # So that wrangler reports nothing, and cf shows its unfinished commands.
        WRANGLER_SEND_METRICS=false CF_HIDE_COMMANDS=false
    )
    mapfile -t -O "${#environment[@]}" environment < <(sed -n 's/^export //p' "$temp/$1.env")
    env -i "${environment[@]}" timeout 60 python3 "$here/fill.py"
}

# The requests of a client, with names in place of what differs each time.
requests() {
    local account
    account=$(sed -n 's/^export CLOUDFLARE_ACCOUNT_ID=//p' "$temp/$1.env")
    sed -E -e '/^#/d' -e '/; fill\)$/d' -e 's/; [^;]*\)$/)/' \
        -e "s/$account/ACCOUNT/g" -e "s/$zone/ZONE/g" \
        -e 's/"-----BEGIN CERTIFICATE-----[^"]*"/PEM/g' \
        -e 's/00000000-0000-4000-8000-000000000000/UNKNOWN/g' \
        -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/ID/g' \
        -e 's/zones\?0=.&1=.&[^ ]* /zones?0=A\&1=C\&... /' "$temp/$1.log"
}

failed=()
for client in "${clients[@]}"; do
    say "$client"
    start "$client"
    case $client in
        python) check=("$temp/python/bin/python" "$here/python.py") ;;
        *) check=(node "$temp/$client.mjs") ;;
    esac
    if ! (cd "$temp" && env -i "${environment[@]}" timeout 300 "${check[@]}"); then
        failed+=("$client")
        printf 'its requests were:\n' >&2
        requests "$client" >&2
    elif [[ $record ]]; then
        requests "$client" >"$here/requests/$client.txt"
    elif ! diff -u --label documented --label seen "$here/requests/$client.txt" <(requests "$client"); then
        failed+=("$client")
    else
        printf 'as documented, in %s requests\n' "$(requests "$client" | wc -l)"
    fi
    [[ ! -s $temp/$client.elsewhere ]] ||
        printf 'wanted to connect, and was kept from it: %s\n' "$(sort -u "$temp/$client.elsewhere" | tr '\n' ' ')"
    stop
done
[[ ${#failed[@]} -eq 0 ]] || fail "not as documented: ${failed[*]}"
