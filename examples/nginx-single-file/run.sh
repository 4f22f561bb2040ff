#!/bin/sh
# nginx and the distribution's kernel in one file, and a machine that boots it: no drive, no initrd.
#
#   run.sh [x86_64|aarch64]
#
# OUT is where everything goes (build/nginx-single-file/ARCH), PORT the port of this host that
# answers (8080), CACHE what build-nginx.sh keeps. The machine is gone when this ends.
set -eu

arch=${1:-$(uname -m)}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${OUT:-$root/build/nginx-single-file/$arch}
port=${PORT:-8080}
wick=${WICK:-$root/dist/bin/wick.cjs}
case $arch in
  x86_64)
    platform=linux/amd64 file=$out/nginx.vmlinux console=ttyS0
    machine="-M q35 -cpu max" words="reboot=t no_timer_check"
    ;;
  aarch64)
    platform=linux/arm64 file=$out/nginx.image console=ttyAMA0
    machine="-M virt -cpu cortex-a57" words="cma=0"
    ;;
  *) echo "usage: run.sh [x86_64|aarch64]" >&2; exit 2 ;;
esac
[ -x "$wick" ] || { echo "run.sh: no $wick: npm run build makes it" >&2; exit 1; }
mkdir -p "$out"
# Else what answers below could be somebody else. 7: nobody is there.
refused=0
curl -s -m 1 -o "$out/page" "http://127.0.0.1:$port/" || refused=$?
[ $refused = 7 ] || { echo "run.sh: port $port is in use: PORT=8081, say" >&2; exit 1; }

ms() { echo $(($(date +%s%N) / 1000000)); }
began=$(ms)
step() {
  printf '%6d ms  %s\n' "$(($(ms) - began))" "$1"
  began=$(ms)
}

"$here/build-nginx.sh" "$arch" "$out/nginx"
step "nginx, static"

# The list as an initramfs; wick's init is its /init and starts the program as nobody.
"$wick" build -q --platform "$platform" "list:$here/initramfs_list" \
  --list-var "NGINX=$out/nginx" --entrypoint /usr/sbin/nginx --user nobody --expose 80 \
  --stop-signal SIGQUIT -o "$out/app.cpio.gz" > "$out/log"
step "initramfs"

# The distribution's kernel, and its modules that the machine's devices need.
"$wick" kernel import -q --platform "$platform" -o "$out/kernel" \
  --initramfs "$out/modules.cpio" > "$out/log"
step "kernel and modules"

# The address that QEMU's network gives a machine, for init: records ADDRESS and GATEWAY of
# docs/init.md. A file that "wick run" boots needs none, it brings its own.
mkdir -p "$out/network/.wick"
printf 'WICK-REC\001\000\000\000\031\000\000\000' > "$out/network/.wick/run.rec"
printf '\011\200\011\000\000\000\012\000\002\017\030eth0' >> "$out/network/.wick/run.rec"
printf '\012\200\004\000\000\000\012\000\002\002' >> "$out/network/.wick/run.rec"
(cd "$out/network" && echo .wick/run.rec | cpio -o -H newc -R 0:0 --quiet > "$out/network.cpio")

# One file of them all.
"$wick" pack -q --json "$out/kernel" "$out/modules.cpio" "$out/network.cpio" "$out/app.cpio.gz" \
  --cmdline "console=$console quiet panic=-1 $words" -o "$file" > "$out/packed.json" 2> "$out/log"
step "one file"

memory=$(sed 's/.*"leastMemoryMiB":\([0-9]*\).*/\1/' "$out/packed.json")
case $file in *[!A-Za-z0-9/._-]*) kernel="'$file'" ;; *) kernel=$file ;; esac
qemu="qemu-system-$arch $machine -m $memory -nodefaults -display none -no-reboot -serial stdio
  -kernel $kernel
  -netdev user,id=n,hostfwd=tcp:127.0.0.1:$port-:80 -device virtio-net-pci,netdev=n,romfile="
eval "$(printf %s "$qemu" | tr '\n' ' ')"' < /dev/null > "$out/console" 2>&1 &'
machine=$!
trap 'kill $machine 2> "$out/log" || :' EXIT
trap 'exit 1' HUP INT TERM
alive() { kill -0 $machine 2> "$out/log" || { cat "$out/console" >&2; exit 1; }; }
until curl -sf -m 1 -o "$out/page" "http://127.0.0.1:$port/" 2> "$out/log"; do
  alive
  [ $(($(ms) - began)) -lt 120000 ] || { echo "run.sh: no answer in 120 s" >&2; exit 1; }
  sleep 0.05
done
alive
step "booted and answered"

size() { printf '%10d  %s\n' "$(wc -c < "$1")" "$2"; }
printf '\nbytes\n'
size "$out/nginx" nginx
size "$out/app.cpio.gz" "nginx, its files, init"
size "$out/modules.cpio" modules
size "$out/kernel" kernel
size "$file" "the one file"
printf '\n%s MiB of memory\n\n%s\n\n' "$memory" "$qemu"
cat "$out/page"
