#!/usr/bin/env bash
# A real Docker Engine that believes it has GPUs, on Debian 12, as root: for the tests of serving in containers.
#
#   tests/serving/engine.sh up     starts it, with a Debian that has Open MPI; prints `export TRTLLM_GPU_ENGINE=FOLDER`
#   tests/serving/engine.sh end    ends it, as a shutdown of the host does; `up` starts it again
#   tests/serving/engine.sh down   ends and removes it
#
# What stands in: a program `nvidia-container-runtime-hook` in the engine's PATH is what makes `--gpus` work (it records
# its calls), and the default runtime is runc after dropping the limits that this machine may not lift.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
top=${TRTLLM_GPU_ENGINE_DIR:-/var/tmp/trtllm-gpu-engine}
number=$(printf '%s' "$top" | cksum | awk '{print $1 % 250}') # of this folder's bridge and networks
bridge=trtllmgpu$number
socket=$top/docker.sock
image=trtllm-test/mpi:1
here=$(cd "$(dirname "$0")" && pwd)

say() { printf '[gpu engine] %s\n' "$*" >&2; }
docker_() { PATH=/usr/bin:$PATH docker -H "unix://$socket" "$@"; }
answers() { timeout 10 env PATH=/usr/bin:/usr/sbin:/bin docker -H "unix://$socket" version --format '{{.Server.Version}}' 2>/dev/null; }

packages() {
    local missing=()
    command -v dockerd >/dev/null || missing+=(docker.io)
    command -v iptables >/dev/null || missing+=(iptables)
    command -v ip >/dev/null || missing+=(iproute2)
    command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
    [ ${#missing[@]} = 0 ] && return 0
    say "installing ${missing[*]}"
    apt-get -qq -o DPkg::Lock::Timeout=300 update >>"$top/apt.log" 2>&1
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" >>"$top/apt.log" 2>&1
}

alone() { # runs a program without this shell's session and open files: a lock that it inherited, it would hold for its life
    local file
    for file in /proc/"$BASHPID"/fd/*; do [ "${file##*/}" -le 2 ] || eval "exec ${file##*/}>&-"; done
    exec setsid nohup "$@"
}

start() {
    answers >/dev/null && return 0
    mkdir -p "$top/bin"
    install -m 755 "$here/nvidia-container-runtime-hook" "$here/nvidia-container-runtime" "$top/bin/"
    ip link show "$bridge" >/dev/null 2>&1 || { ip link add "$bridge" type bridge; ip addr add "10.214.$number.1/24" dev "$bridge"; }
    ip link set "$bridge" up
    local try pid
    for try in 1 2 3; do # on a loaded machine containerd may miss the engine's time limit once
        rm -f "$top/docker.pid" "$top"/exec/containerd/containerd.{pid,sock}*
        PATH="$top/bin:$PATH" TRTLLM_GPU_ENGINE=$top alone dockerd -H "unix://$socket" --data-root "$top/data" --exec-root "$top/exec" \
            -p "$top/docker.pid" --bridge "$bridge" --default-address-pool "base=10.215.$number.0/24,size=28" --add-runtime "nvidia=$top/bin/nvidia-container-runtime" --default-runtime nvidia \
            >>"$top/dockerd.log" 2>&1 </dev/null &
        pid=$!
        while kill -0 "$pid" 2>/dev/null; do
            answers >/dev/null && return 0
            sleep 0.1
        done
    done
    tail -5 "$top/dockerd.log" >&2
    return 1
}

end() {
    local pid
    pid=$(cat "$top/docker.pid" 2>/dev/null || true)
    [ -n "$pid" ] && grep -q dockerd "/proc/$pid/comm" 2>/dev/null || return 0
    kill "$pid"
    for _ in $(seq 300); do [ -d "/proc/$pid" ] || return 0; sleep 0.1; done
}

base_image() { # unpacked only, no maintainer script is run: seconds instead of half a minute
    [ -n "$(docker_ images -q "$image")" ] && return 0
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | head -1)
    if [ ! -s "$top/mpi.tar" ]; then
        say "making a Debian with Open MPI"
        TMPDIR=$top mmdebstrap --quiet --format=tar --variant=extract --mode=root \
            --include=python3,libpython3.11,libstdc++6,openmpi-bin,openssh-client,bash,dash,coreutils,grep,sed,libc-bin,base-files,procps \
            --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --extract-hook='ldconfig -r "$1"; mkdir -p "$1/tmp"; chmod 1777 "$1/tmp"' \
            bookworm "$top/mpi.part" "$mirror" >>"$top/mmdebstrap.log" 2>&1 || { tail -5 "$top/mmdebstrap.log" >&2; return 1; }
        mv "$top/mpi.part" "$top/mpi.tar"
    fi
    docker_ import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin' "$top/mpi.tar" "$image" >/dev/null
}

mkdir -p "$top"
exec 9>"$top/lock"
flock -w 600 9
case ${1:-up} in
up)
    packages
    start
    base_image
    say "engine $(answers) at $socket"
    printf 'export TRTLLM_GPU_ENGINE=%s\n' "$top"
    ;;
end)
    end
    ;;
down)
    docker_ ps -aq 2>/dev/null | xargs -r env PATH=/usr/bin docker -H "unix://$socket" rm -f >/dev/null || true
    docker_ network ls -q --filter type=custom 2>/dev/null | xargs -r env PATH=/usr/bin docker -H "unix://$socket" network rm >/dev/null || true
    end
    awk -v d="$top/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r | xargs -r -n1 umount -l
    ip link del "$bridge" 2>/dev/null || true
    rm -rf "$top"
    ;;
*)
    sed -n '2,11p' "$0"
    exit 2
    ;;
esac
