import { existsSync, readFileSync } from "node:fs";

import { type Problem, ProblemsError } from "../../components/input/problems.ts";
import { isOnPath } from "../real/requirements.ts";

/** The memory of a machine, in megabytes. */
export const machineMegabytes = 1024;

/** What a machine takes at most: its memory, and what the emulator has beside it. */
const takenMegabytes = machineMegabytes + 768;

/** What the control plane of a lab takes, in megabytes. */
const controlPlaneMegabytes = 1000;

/** What this machine lacks for nodes with a kernel of their own, beside what real nodes need. */
export function missingForMachines(): Problem[] {
  if (process.arch !== "x64") {
    return [{ path: "processor", value: process.arch, accepted: "x64: the kernels are built for it" }];
  }
  return [
    ...(existsSync("/dev/net/tun")
      ? []
      : [
          {
            path: "/dev/net/tun",
            accepted: "it has to be there: modprobe tun, or docker run --device /dev/net/tun",
          },
        ]),
    ...(isOnPath("mke2fs")
      ? []
      : [{ path: "mke2fs", accepted: "it has to be on PATH; Debian's package e2fsprogs has it" }]),
  ];
}

/**
 * Where memory is short, the kernel ends whatever it likes.
 *
 * @param available - `MemAvailable` in megabytes.
 */
export function lackOfMemory(machines: number, available: number): Problem[] {
  const needed = controlPlaneMegabytes + machines * takenMegabytes;
  if (available >= needed) return [];
  const accepted = `at least ${needed} MB: ${takenMegabytes} for each of them, and ${controlPlaneMegabytes} for the control plane`;
  return [{ path: "memory that is available", value: available, accepted }];
}

/** @throws ProblemsError naming everything that this machine lacks for nodes with a kernel of their own. */
export function checkMachines(): void {
  fail(missingForMachines());
}

/** How much memory this machine has to give, in megabytes. */
export function availableMegabytes(): number {
  const [, kilobytes] = /^MemAvailable: +(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8")) ?? [];
  return Math.floor(Number(kilobytes) / 1024);
}

/** @throws ProblemsError where there is too little memory for so many nodes with a kernel of their own. */
export function checkMemory(machines: number): void {
  fail(lackOfMemory(machines, availableMegabytes()));
}

function fail(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  throw new ProblemsError("what nodes with a kernel of their own need of this machine", problems);
}
