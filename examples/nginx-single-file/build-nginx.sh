#!/bin/sh
# Compiles nginx as one static program, from the distribution's own source package.
#
#   build-nginx.sh x86_64|aarch64 OUTPUT
#
# Needs gcc, make, patch and xz, apt with the archives of Debian or Ubuntu, and for the other
# architecture its compiler (gcc-aarch64-linux-gnu, gcc-x86-64-linux-gnu; CC names any). Needs no
# root: apt's lists and downloads lie in CACHE (~/.cache/wick-nginx), nothing of the host's apt is
# changed. What these flags once made of this version is copied from there.
set -eu

arch=${1:-}
output=${2:-}
case $arch in
  x86_64) other=amd64 ;;
  aarch64) other=arm64 ;;
  *) output= ;;
esac
[ -n "$output" ] || { echo "usage: build-nginx.sh x86_64|aarch64 OUTPUT" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
cache=${CACHE:-$HOME/.cache/wick-nginx}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# What is in it: a server of files, nothing that needs a library beyond glibc. Paths are of the
# machine that it will run in; /tmp is there in every one.
configure_flags="
  --prefix=/etc/nginx
  --conf-path=/etc/nginx/nginx.conf
  --error-log-path=stderr
  --http-log-path=/dev/null
  --pid-path=/tmp/nginx.pid
  --lock-path=/tmp/nginx.lock
  --http-client-body-temp-path=/tmp/body
  --without-pcre
  --without-http_rewrite_module
  --without-http_gzip_module
  --without-http_charset_module
  --without-http_ssi_module
  --without-http_userid_module
  --without-http_auth_basic_module
  --without-http_mirror_module
  --without-http_geo_module
  --without-http_map_module
  --without-http_split_clients_module
  --without-http_referer_module
  --without-http_proxy_module
  --without-http_fastcgi_module
  --without-http_uwsgi_module
  --without-http_scgi_module
  --without-http_grpc_module
  --without-http_memcached_module
  --without-http_limit_conn_module
  --without-http_limit_req_module
  --without-http_empty_gif_module
  --without-http_browser_module
  --without-http_upstream_hash_module
  --without-http_upstream_ip_hash_module
  --without-http_upstream_least_conn_module
  --without-http_upstream_random_module
  --without-http_upstream_keepalive_module
  --without-http_upstream_zone_module
"
cc_flags="-Os -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables"
ld_flags="-static -s -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,norelro -Wl,-z,noseparate-code"

fail() {
  echo "build-nginx.sh: $*" >&2
  exit 1
}

# apt-get and apt-cache with a state of their own, in which the host's archives are asked for
# sources (deb-src) or packages (deb).
private_apt() {
  state=$work/$1
  mkdir -p "$state/etc" "$state/lists/partial" "$state/cache/archives/partial"
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    case $list in *.list | *.sources) ;; *) continue ;; esac
    [ -f "$list" ] || continue
    sed -e "s/^Types:.*/Types: $1/" -e "s/^deb[[:space:]]/$1 /" "$list" \
      > "$state/etc/$(basename "$list")"
  done
  with_state apt-get update
}

with_state() {
  program=$1
  shift
  "$program" -qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$state/etc" \
    -o "Dir::State::lists=$state/lists" -o "Dir::Cache=$state/cache" \
    -o APT::Sandbox::User=root "$@"
}

# Makes the directory $1 of what lies in $2, whole or not at all, whoever else does so meanwhile.
keep() {
  mv -T "$2" "$1" 2> "$work/log" || [ -d "$1" ] || fail "cannot make $1: $(cat "$work/log")"
}

# The source package's files. A mirror may list a version that it no longer has: then the next one
# does as well.
download_source() {
  private_apt deb-src
  : > "$work/log"
  for version in $(with_state apt-cache showsrc nginx | sed -n 's/^Version: //p'); do
    rm -rf "$work/source"
    mkdir "$work/source"
    (cd "$work/source" && with_state apt-get source --download-only "nginx=$version") \
      2> "$work/log" || continue
    keep "$cache/source" "$work/source"
    return
  done
  fail "the host's archives give no source package of nginx: $(cat "$work/log")"
}

# The other architecture's C library, where its compiler has come alone.
download_libc() {
  private_apt deb
  mkdir "$work/debs"
  (cd "$work/debs" &&
    with_state apt-get download "libc6-dev-$other-cross" "linux-libc-dev-$other-cross")
  for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$work/libc"; done
  keep "$cache/libc-$arch" "$work/libc"
}

# The words that compile for $arch: the compiler, and where its C library is.
find_compiler() {
  if [ "$arch" = "$(uname -m)" ]; then compiler=${CC:-gcc}; else compiler=${CC:-$arch-linux-gnu-gcc}; fi
  command -v "${compiler%% *}" > "$work/log" || fail "no compiler for $arch: wanted $compiler"
  [ "$($compiler -print-file-name=libc.a)" = libc.a ] || return 0
  [ -d "$cache/libc-$arch" ] || download_libc
  # From where make runs: the words must not have a space in them.
  libc=libc/usr/$arch-linux-gnu
  compiler="$compiler -isystem $libc/include -B$libc/lib/ -L$libc/lib"
}

# Upstream's files with the distribution's patches on them.
unpack() {
  mkdir "$work/nginx"
  ln -s "$cache/libc-$arch" "$work/nginx/libc"
  tar -xzf "$cache"/source/nginx_*.orig.tar.gz --strip-components=1 -C "$work/nginx"
  tar -xJf "$cache"/source/nginx_*.debian.tar.xz -C "$work/nginx"
  sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$work/nginx/debian/patches/series" |
    while read -r name; do
      patch -s -p1 -d "$work/nginx" < "$work/nginx/debian/patches/$name"
    done
}

# configure runs small programs to learn sizes and what the system has, so it gets this host's own
# compiler. The answers are those of any 64-bit little-endian Linux: for the other architecture its
# compiler goes on from there.
compile() {
  cd "$work/nginx"
  ./configure $configure_flags --with-cc=gcc --with-cc-opt="$cc_flags" \
    --with-ld-opt="$ld_flags" --crossbuild="Linux:any:$arch" > "$work/log" ||
    fail "configure failed: $(tail -n 3 "$work/log")"
  make -s -j"$(nproc)" CC="$compiler" > "$work/log" 2>&1 || fail "make failed: $(tail -n 20 "$work/log")"
}

[ -d "$cache/source" ] || download_source
version=$(basename "$cache"/source/nginx_*.dsc .dsc | cut -d _ -f 2)
flags=$(echo "$configure_flags $cc_flags $ld_flags ${CC:-}" | cksum | cut -d ' ' -f 1)
built=$cache/nginx-$version-$arch-$flags
if [ ! -f "$built" ]; then
  find_compiler
  unpack
  compile
  mv "$work/nginx/objs/nginx" "$built"
fi
cp -p "$built" "$output"
