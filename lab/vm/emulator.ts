import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { cached, hashOf, type MakeOptions } from "../cache.ts";
import { type Invocation, run } from "../tools.ts";
import { foreign } from "./foreign.ts";
import type { KernelFiles } from "./kernel.ts";

/** What executes a machine's instructions: this machine's processor, or a program. */
export type Accelerator = "kvm" | "tcg";

/** What a machine boots. */
export type BootFiles = Pick<KernelFiles, "kernel" | "initramfs">;

/** A machine to be emulated. */
export interface Machine {
  kernel: BootFiles;
  /** Files that are its disks, in their order. */
  disks: readonly Disk[];
  /** The interface that is the other end of its cable; undefined for none. */
  tap?: string;
  mac?: string;
  megabytes: number;
}

/** A file that is a disk; machines side by side may have the same one. */
export interface Disk {
  path: string;
  /** Whether it can be written to, which is forgotten with the machine. */
  isScratch?: boolean;
}

/** The command line of an emulator that writes the machine's console to its standard output. */
export function emulatorCommand(emulator: string, accelerator: Accelerator, machine: Machine): Invocation {
  const { kernel, disks, tap, mac = "", megabytes } = machine;
  const args = [
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"],
    ...["-L", join(emulator, "usr/share/qemu"), "-L", join(emulator, "usr/share/seabios")],
    ...["-machine", "q35", ...accelerators[accelerator]],
    // One processor: two that are emulated wait for each other, on a busy machine until the kernel in there hangs.
    ...["-smp", "1", "-m", String(megabytes)],
    ...["-kernel", kernel.kernel, "-initrd", kernel.initramfs],
    // Without tsc=reliable it would take its time from a device, and everything half as long again. A panic ends it.
    ...["-append", "console=ttyS0 quiet panic=-1 tsc=reliable"],
    ...disks.flatMap(({ path, isScratch = false }, index) => [
      ...[
        "-drive",
        `if=none,id=disk${index},format=raw,file=${path.replaceAll(",", ",,")},${isScratch ? "snapshot=on" : "readonly=on"}`,
      ],
      ...["-device", `virtio-blk-pci,drive=disk${index}`],
    ]),
    ...(tap === undefined
      ? []
      : [
          ...["-netdev", `tap,id=cable,ifname=${tap},script=no,downscript=no`],
          // Without a program in its ROM to boot from the network, of which there is none.
          ...["-device", `virtio-net-pci,netdev=cable,mac=${mac},romfile=`],
        ]),
  ];
  const name = "qemu-system-x86_64";
  const command = foreign([emulator], join(emulator, "usr/bin", name), name, args);
  return { ...command, env: { ...command.env, ...emulatorEnvironment(emulator) } };
}

/** What the emulator's environment has to have, for it to find its own parts. */
export function emulatorEnvironment(emulator: string): Record<string, string> {
  return { QEMU_MODULE_DIR: join(emulator, "usr/lib/x86_64-linux-gnu/qemu") };
}

const accelerators: Record<Accelerator, readonly string[]> = {
  kvm: ["-accel", "kvm", "-cpu", "host"],
  tcg: ["-accel", "tcg,tb-size=512", "-cpu", "max"],
};

/** How long a trial of KVM may take, in milliseconds; where it works it takes a second. */
const trialMs = 15_000;

/**
 * Finds out by a trial whether KVM works here, once after each boot of this machine: in some virtual machines it can be
 * opened, and then hangs.
 */
export async function findAccelerator(
  { emulator, kernel, initramfs }: { emulator: string } & BootFiles,
  options: MakeOptions,
): Promise<Accelerator> {
  if (!existsSync("/dev/kvm")) return "tcg";
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
  const entry = {
    what: "a trial of KVM",
    name: "vm-accelerator",
    hash: hashOf([boot, emulator]),
  };
  const path = await cached(entry, options, async (file) => {
    // Without a disk the first process fails, and the machine ends.
    const {
      file: program,
      args,
      env,
    } = emulatorCommand(emulator, "kvm", {
      kernel: { kernel, initramfs },
      disks: [],
      megabytes: 256,
    });
    const limited = ["--signal=KILL", String(trialMs / 1000), program, ...args];
    const { code, stdout } = await run({ file: "timeout", args: limited, env }, { signal: options.signal });
    const works = code === 0 && stdout.includes("/dev/vda");
    options.log(
      works ? "KVM works here." : "KVM does not work here: machines are emulated, which takes longer.",
    );
    writeFileSync(file, works ? "kvm" : "tcg");
  });
  return readFileSync(path, "utf8") as Accelerator;
}
