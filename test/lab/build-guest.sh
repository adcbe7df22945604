#!/bin/sh
# build-guest.sh SUITE FOLDER MIRROR PUBKEY: makes vmlinuz, initrd.gz and disk.img of a guest with Debian's cloud kernel.
# Needs mmdebstrap, cpio, gzip, e2fsprogs, dpkg and root. About 40 s and 1.6 GB (sparse).
set -eu
suite=$1 folder=$2 mirror=$3 pubkey=$4
mkdir -p "$folder"
cd "$folder"
rm -rf root kernel early
packages=bpftrace,linux-perf,openssh-server,sudo,busybox-static,kmod,iproute2,procps,strace,nodejs

mmdebstrap --quiet --variant=apt --include="$packages" --aptopt='Acquire::Languages "none"' \
  --aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' "$suite" root "$mirror"

# The kernel is unpacked, not installed: its scripts would build an initrd for hardware that the guest does not have.
image=$(chroot root sh -c 'apt-get update -qq >/dev/null 2>&1; apt-cache depends linux-image-cloud-amd64' |
  awk '/Depends: linux-image/ { print $2; exit }')
chroot root sh -c "cd /tmp && apt-get download -qq $image"
mkdir kernel
dpkg-deb -x root/tmp/"$image"*.deb kernel
rm root/tmp/*.deb
release=${image#linux-image-}
modules=kernel/lib/modules
[ -d "$modules" ] || modules=kernel/usr/lib/modules
cp -a "$modules" root/usr/lib/
chroot root depmod "$release"
cp "kernel/boot/vmlinuz-$release" vmlinuz

cat >root/init-lab <<'INIT'
#!/bin/busybox sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
/bin/busybox mount -t proc proc /proc
mount -t devtmpfs dev /dev 2>/dev/null
mount -t sysfs sys /sys
mount -t tracefs tracefs /sys/kernel/tracing
mount -t debugfs debugfs /sys/kernel/debug
mount -t bpf bpf /sys/fs/bpf
mkdir -p /dev/pts && mount -t devpts devpts /dev/pts
mount -t tmpfs run /run && mkdir -p /run/sshd
mount -o remount,rw /
hostname labguest
modprobe virtio_net
tries=0
while link=$(ls /sys/class/net | grep -vx lo | head -n 1); [ -z "$link" ] && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
ip link set lo up
ip addr add 10.0.2.15/24 dev "$link"
ip link set "$link" up
ip route add default via 10.0.2.2
ssh-keygen -A >/dev/null
exec /usr/sbin/sshd -D -e -o UsePAM=no
INIT
chmod +x root/init-lab
chroot root useradd -p '*' -m -s /bin/bash tracer
install -d -m700 -o 1000 -g 1000 root/home/tracer/.ssh
install -m600 -o 1000 -g 1000 "$pubkey" root/home/tracer/.ssh/authorized_keys
echo 'tracer ALL=(root) NOPASSWD: ALL' >root/etc/sudoers.d/tracer
echo '127.0.0.1 localhost labguest' >root/etc/hosts
: >root/etc/resolv.conf
rm -rf root/var/lib/apt/lists/* root/var/cache/apt/*

# The early root: busybox and the modules that the disk needs, in their order.
mkdir -p early/bin early/modules early/proc early/dev early/root
cp root/bin/busybox early/bin/
number=10
for driver in virtio_pci virtio_blk; do chroot root modprobe -S "$release" --show-depends "$driver"; done |
  awk '/insmod/ { print $2 }' | awk '!seen[$0]++' | while read -r module; do
  name=early/modules/${number}_$(basename "$module")
  case $module in
    *.xz) xz -dc "root$module" >"${name%.xz}" ;;
    *) cp "root$module" "$name" ;;
  esac
  number=$((number + 1))
done
cat >early/init <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
for module in /modules/*; do /bin/busybox insmod "$module" 2>/dev/null; done
tries=0
while [ ! -b /dev/vda ] && [ $tries -lt 200 ]; do /bin/busybox sleep 0.05; tries=$((tries + 1)); done
/bin/busybox mount -t ext4 /dev/vda /root && exec /bin/busybox switch_root /root /init-lab
exec /bin/busybox sh
INIT
chmod +x early/init
(cd early && find . | cpio -o -H newc 2>/dev/null | gzip -1) >initrd.gz
rm -f disk.img
truncate -s 2G disk.img
mke2fs -q -F -t ext4 -O ^has_journal -d root disk.img
rm -rf root kernel early
echo "$release" >release
