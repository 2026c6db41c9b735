#!/usr/bin/env bash
# Real Docker Engines for the tests, on Debian 12, as root, with no image registry in reach.
#
#   tests/docker/engine.sh up     installs what is missing and starts a private engine for each version below, beside
#                                 whatever engine this machine has; prints `export TRTLLM_TEST_ENGINES=...`
#   tests/docker/engine.sh down   ends and removes what `up` made, and nothing else
#
# Versions (ENGINES): `installed` is the engine that answers on this machine, else a private one of the installed
# docker.io (20.10 on Debian 12); `trixie` is Debian 13's (26.1 with buildx), unpacked into the folder, not installed.
# Each engine has its own folder with socket, data, logs; the value of TRTLLM_TEST_ENGINES is a list of these folders,
# and FOLDER/bin holds the docker command line that belongs to it.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
top=${TRTLLM_TEST_ENGINE_DIR:-/var/tmp/trtllm-test-engines}
engines=${ENGINES:-installed trixie}

say() { printf '[engine] %s\n' "$*" >&2; }
install() { apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" >>"$top/apt.log" 2>&1; }
answers() { timeout 10 "$1/bin/docker" -H "unix://$1/docker.sock" version --format '{{.Server.Version}}' 2>/dev/null; }

packages() { # what the tests use besides the engine; only what is missing
    local missing=()
    command -v dockerd >/dev/null || missing+=(docker.io)
    command -v iptables >/dev/null || missing+=(iptables)
    command -v ip >/dev/null || missing+=(iproute2)
    command -v docker-registry >/dev/null || missing+=(docker-registry)
    command -v git-lfs >/dev/null || missing+=(git-lfs)
    command -v busybox >/dev/null || missing+=(busybox-static)
    command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
    [ ${#missing[@]} = 0 ] && return 0
    say "installing ${missing[*]}"
    apt-get -qq update >>"$top/apt.log" 2>&1
    # No service is started by these packages: the tests start their own, in their own folders.
    [ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; trap 'rm -f /usr/sbin/policy-rc.d' EXIT; }
    install "${missing[@]}" || { tail -5 "$top/apt.log" >&2; exit 1; }
}

cgroups() { # a bare virtual machine may have none mounted
    grep -qE ' cgroup2? ' /proc/mounts && return 0
    mount -t tmpfs cgroup /sys/fs/cgroup
    local name
    for name in $(awk '!/^#/ && $4 == 1 {print $1}' /proc/cgroups); do
        mkdir -p "/sys/fs/cgroup/$name"
        mount -t cgroup -o "$name" cgroup "/sys/fs/cgroup/$name" || rmdir "/sys/fs/cgroup/$name"
    done
}

programs() { # leaves the programs of an engine in FOLDER/bin
    local folder=$1 name=$2
    mkdir -p "$folder/bin"
    if [ "$name" = installed ]; then
        for program in dockerd docker; do ln -sf "$(PATH=/usr/bin:/usr/sbin:$PATH command -v $program)" "$folder/bin/$program"; done
        return
    fi
    [ -x "$folder/unpacked/usr/sbin/dockerd" ] || unpack "$folder" "$name"
    ln -sf "$folder/unpacked/usr/sbin/dockerd" "$folder/unpacked/usr/bin/docker" "$folder/bin/"
    mkdir -p "$folder/cli/cli-plugins"
    ln -sf "$folder/unpacked/usr/libexec/docker/cli-plugins/docker-buildx" "$folder/cli/cli-plugins/"
}

unpack() { # only these three: containerd and runc stay this Debian's, which the newer engine works with
    local folder=$1 suite=$2 mirror lists
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | head -1)
    lists=$folder/apt
    mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial" "$folder/unpacked"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$mirror" "$suite" >"$lists/sources.list"
    local options=(-qq -o Dir::Etc::sourcelist="$lists/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$lists/lists"
        -o Dir::Cache="$lists/cache" -o APT::Sandbox::User=root)
    say "fetching the engine of $suite"
    apt-get "${options[@]}" update >>"$top/apt.log" 2>&1
    (cd "$lists" && apt-get "${options[@]}" download docker.io docker-cli docker-buildx >>"$top/apt.log" 2>&1)
    for package in "$lists"/*.deb; do dpkg-deb -x "$package" "$folder/unpacked"; done
    rm -rf "$lists"
}

number() { printf '%s' "$1" | cksum | awk '{print $1 % 250}'; } # of a folder's bridge and network

alone() { # runs a program without this shell's session and open files: a lock that it inherited, it would hold for its life
    local file
    for file in /proc/"$BASHPID"/fd/*; do [ "${file##*/}" -le 2 ] || eval "exec ${file##*/}>&-"; done
    exec setsid nohup "$@"
}

start() {
    local folder=$1 number bridge
    number=$(number "$folder")
    bridge=trtllm$number
    answers "$folder" >/dev/null && return 0
    rm -f "$folder/docker.pid" "$folder/docker.sock"
    if [ "${folder##*/}" = installed ] && timeout 10 "$folder/bin/docker" -H unix:///var/run/docker.sock info >/dev/null 2>&1; then
        ln -s /var/run/docker.sock "$folder/docker.sock"
        return 0
    fi
    ip link show "$bridge" >/dev/null 2>&1 || { ip link add "$bridge" type bridge; ip addr add "10.213.$number.1/24" dev "$bridge"; }
    ip link set "$bridge" up
    local try pid
    for try in 1 2 3; do # after a kill, or on a loaded machine, containerd may miss the engine's time limit once
        clear_remains "$folder"
        # Fewer attempts than the engine's five, so that a broken registry is found out in seconds.
        alone "$folder/bin/dockerd" -H "unix://$folder/docker.sock" --data-root "$folder/data" --exec-root "$folder/exec" \
            -p "$folder/docker.pid" --bridge "$bridge" --max-download-attempts 2 >>"$folder/dockerd.log" 2>&1 </dev/null &
        pid=$!
        while kill -0 "$pid" 2>/dev/null; do
            answers "$folder" >/dev/null && return 0
            sleep 0.1
        done
    done
    tail -5 "$folder/dockerd.log" >&2
    return 1
}

clear_remains() { # what a killed engine leaves stops the next one
    local file=$1/exec/containerd/containerd.pid
    if [ -s "$file" ] && grep -qx containerd "/proc/$(cat "$file")/comm" 2>/dev/null; then kill -9 "$(cat "$file")" || true; fi
    rm -f "$1/docker.pid" "$file" "$1/exec/containerd/containerd.sock"*
}

base_images() { # a shell and little else; and Debian with Python, which the stand-ins for NVIDIA's images are made of
    local folder=$1 docker="$1/bin/docker -H unix://$1/docker.sock"
    [ -n "$($docker images -q trtllm-test/busybox:1)" ] || busybox_tar | $docker import --change 'ENV PATH=/bin' --change 'CMD ["sh"]' - trtllm-test/busybox:1 >/dev/null
    [ -n "$($docker images -q trtllm-test/python:1)" ] && return 0
    [ -s "$top/python.tar" ] || python_tar "$top/python.tar"
    $docker import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin' --change 'CMD ["bash"]' "$top/python.tar" trtllm-test/python:1 >/dev/null
}

busybox_tar() {
    local root
    root=$(mktemp -d)
    mkdir -p "$root/bin" "$root/etc" "$root/tmp"
    chmod 1777 "$root/tmp"
    cp /bin/busybox "$root/bin/"
    busybox --list | grep -vx busybox | while read -r name; do ln -s busybox "$root/bin/$name"; done
    tar -C "$root" -c .
    rm -rf "$root"
}

python_tar() { # unpacked only, no maintainer script is run: seconds instead of half a minute
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | head -1)
    say "making a Debian with Python"
    TMPDIR=$top mmdebstrap --quiet --format=tar --variant=extract --mode=root --include=python3,bash,dash,coreutils,grep,sed,libc-bin,base-files \
        --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --extract-hook='ldconfig -r "$1"; mkdir -p "$1/tmp"; chmod 1777 "$1/tmp"' \
        bookworm "$1.part" "$mirror" >>"$top/mmdebstrap.log" 2>&1 || { tail -5 "$top/mmdebstrap.log" >&2; return 1; }
    mv "$1.part" "$1"
}

stop() {
    local folder=$1 pid
    if [ -L "$folder/docker.sock" ]; then # not ours: only take our base images away
        "$folder/bin/docker" -H "unix://$folder/docker.sock" image rm -f trtllm-test/busybox:1 trtllm-test/python:1 >/dev/null || true
        return 0
    fi
    pid=$(cat "$folder/docker.pid" 2>/dev/null || true)
    if [ -n "$pid" ] && grep -q dockerd "/proc/$pid/comm" 2>/dev/null; then
        "$folder/bin/docker" -H "unix://$folder/docker.sock" ps -aq 2>/dev/null | xargs -r "$folder/bin/docker" -H "unix://$folder/docker.sock" rm -f >/dev/null || true
        kill "$pid"
        for _ in $(seq 100); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
    fi
    awk -v d="$folder/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r | xargs -r -n1 umount -l
}

mkdir -p "$top"
exec 9>"$top/lock"
flock -w 600 9
case ${1:-up} in
up)
    packages
    cgroups
    list=
    for name in $engines; do
        programs "$top/$name" "$name"
        start "$top/$name" 3>&- 9>&- || { say "the engine $name does not start"; exit 1; }
        base_images "$top/$name"
        say "engine $(answers "$top/$name") at $top/$name/docker.sock"
        list="$list${list:+:}$top/$name"
    done
    printf 'export TRTLLM_TEST_ENGINES=%s\n' "$list"
    ;;
down)
    for name in $engines; do
        [ -d "$top/$name" ] && stop "$top/$name"
        ip link del "trtllm$(number "$top/$name")" 2>/dev/null || true
    done
    rm -rf "$top"
    ;;
*)
    sed -n '2,14p' "$0"
    exit 2
    ;;
esac
