import { expect, test } from "vitest";
import { shellLine } from "../shell-line.ts";
import type { MachineSpec } from "../vmm.ts";
import { commandByHand, qemuArguments } from "./arguments.ts";

const sockets = { qmp: "/run/m/qmp.sock", console: "/run/m/c.sock", channel: "/run/m/ch.sock" };

const spec: MachineSpec = {
  arch: "x86_64",
  kernel: "/k/vmlinuz",
  initrd: "/k/initrd",
  commandLine: "console=ttyS0 quiet",
  memoryMiB: 256,
  cpus: 2,
  drives: [{ path: "/images/nginx.ext4", readOnly: true }],
  ports: [{ protocol: "tcp", hostAddress: "127.0.0.1", hostPort: 8080, guestPort: 80 }],
  network: "user",
  relay: false,
  accel: "tcg",
  directory: "/run/m",
};

/** The values of every option of that name. */
function valuesOf(args: readonly string[], option: string): string[] {
  return args.flatMap((word, index) => (word === option ? [args[index + 1]!] : []));
}

test("QEMU gets no defaults, no user's files, no monitor, and the sandbox with every part denied", () => {
  const args = qemuArguments(spec, sockets);
  for (const word of ["-nodefaults", "-no-user-config", "-no-reboot", "-S"]) {
    expect(args).toContain(word);
  }
  expect(valuesOf(args, "-sandbox")).toEqual([
    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
  ]);
  expect(valuesOf(args, "-mon")).toEqual(["chardev=qmp,mode=control"]);
  expect(args.filter((word) => /^-(monitor|nographic|qmp|gdb|vnc|daemonize)$/.test(word))).toEqual(
    [],
  );
  expect(valuesOf(args, "-display")).toEqual(["none"]);
});

test("every drive states its raw format, and a read-only one that it is", () => {
  const drives = [
    { path: "/a", readOnly: true },
    { path: "/b", readOnly: false },
  ];
  const nodes = valuesOf(qemuArguments({ ...spec, drives }, sockets), "-blockdev").map(
    (text) => JSON.parse(text) as Record<string, unknown>,
  );
  expect(nodes.map((node) => [node["driver"], node["read-only"]])).toEqual([
    ["raw", true],
    ["raw", false],
  ]);
});

test("a path with commas, equals signs, quotes and spaces is only a path", () => {
  const path = '/tmp/a,readonly=off "b" \\c=d.img';
  const odd = { ...spec, kernel: path, initrd: path, drives: [{ path, readOnly: true }] };
  const args = qemuArguments(odd, { ...sockets, qmp: "/run/a,b=c/qmp.sock" });
  const node = JSON.parse(valuesOf(args, "-blockdev")[0]!) as { file: { filename: string } };
  expect(node.file.filename).toBe(path);
  expect(valuesOf(args, "-kernel")).toEqual([path]);
  expect(valuesOf(args, "-chardev")[0]).toBe("socket,id=qmp,path=/run/a,,b=c/qmp.sock,server=off");
});

test("the line by hand is plain, doubles commas in paths, and has neither QMP nor channel", () => {
  const drives = [{ path: "/tmp/a,b.img", readOnly: true }];
  const words = commandByHand({ ...spec, drives });
  expect(shellLine(words)).toBe(
    "qemu-system-x86_64 -M q35 -accel tcg -cpu max,-erms,-fsrm -m 256M -smp 2 -nodefaults -no-user-config " +
      "-display none -no-reboot -kernel /k/vmlinuz -initrd /k/initrd " +
      "-append 'console=ttyS0 quiet' " +
      "-drive id=drive0,file=/tmp/a,,b.img,format=raw,if=none,readonly=on " +
      "-device virtio-blk-pci,drive=drive0 " +
      "-netdev user,id=net0,hostfwd=tcp:127.0.0.1:8080-:80 " +
      "-device virtio-net-pci,netdev=net0 -device virtio-rng-pci -serial stdio",
  );
});

test("each architecture and accelerator has its machine, processor and bus", () => {
  const words = (arch: MachineSpec["arch"], accel: MachineSpec["accel"]): string[] => {
    const args = qemuArguments({ ...spec, arch, accel }, sockets);
    const device = JSON.parse(valuesOf(args, "-device")[2]!) as { driver: string };
    return [valuesOf(args, "-M")[0]!, valuesOf(args, "-cpu")[0]!, device.driver];
  };
  expect(words("x86_64", "tcg")).toEqual(["q35", "max,-erms,-fsrm", "virtio-blk-pci"]);
  expect(words("x86_64", "kvm")).toEqual(["microvm,acpi=on,rtc=on", "host", "virtio-blk-device"]);
  expect(words("aarch64", "tcg")).toEqual(["virt", "cortex-a57", "virtio-blk-pci"]);
});

test("a balloon where memory is reserved, on the machine's own bus; none elsewhere", () => {
  const balloons = (changes: Partial<MachineSpec>): unknown[] =>
    valuesOf(qemuArguments({ ...spec, ...changes }, sockets), "-device")
      .filter((text) => text.includes("balloon"))
      .map((text) => JSON.parse(text) as unknown);
  expect(balloons({})).toEqual([]);
  const given = { id: "balloon0", "deflate-on-oom": true, "free-page-reporting": true };
  expect(balloons({ reservationMiB: 64 })).toEqual([{ driver: "virtio-balloon-pci", ...given }]);
  expect(balloons({ reservationMiB: 64, accel: "kvm" })).toMatchObject([
    { driver: "virtio-balloon-device" },
  ]);
});

test("a machine without a network has no network card", () => {
  const args = qemuArguments({ ...spec, network: "none", ports: [] }, sockets);
  expect(valuesOf(args, "-netdev")).toEqual([]);
  expect(args.join(" ")).not.toContain("virtio-net");
});

test("a card on a TAP takes the device as it is, and is the same by hand", () => {
  const network = { device: "wick-0a1b2c3d", mac: "06:00:ac:1e:fc:02" };
  const onTap = { ...spec, network, ports: [] };
  const args = qemuArguments(onTap, sockets);
  const netdev = "tap,id=net0,ifname=wick-0a1b2c3d,script=no,downscript=no";
  expect(valuesOf(args, "-netdev")).toEqual([netdev]);
  const cards = valuesOf(args, "-device").filter((text) => text.includes("virtio-net"));
  expect(JSON.parse(cards[0]!)).toMatchObject({ netdev: "net0", mac: network.mac, romfile: "" });
  const line = shellLine(commandByHand(onTap));
  expect(line).toContain(`-netdev ${netdev} -device virtio-net-pci,netdev=net0,mac=${network.mac}`);
});

test("the guest finds the channel by its name, and a relay where the machine has one", () => {
  const ports = (args: readonly string[]) =>
    valuesOf(args, "-device")
      .map((text) => JSON.parse(text) as Record<string, unknown>)
      .filter(({ driver }) => driver === "virtserialport")
      .map(({ name, chardev }) => [name, chardev]);
  expect(ports(qemuArguments(spec, sockets))).toEqual([["wick.0", "channel"]]);
  const args = qemuArguments(spec, { ...sockets, relay: "/run/m/r.sock" });
  expect(ports(args)).toEqual([
    ["wick.0", "channel"],
    ["wick.1", "relay"],
  ]);
  expect(valuesOf(args, "-chardev")).toContain("socket,id=relay,path=/run/m/r.sock,server=off");
});

test("shellLine quotes what a shell would take apart", () => {
  expect(shellLine(["a", "b c", "it's", "$x", ""])).toBe(`a 'b c' 'it'\\''s' '$x' ''`);
});
