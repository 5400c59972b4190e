/** A program that prints lines until its standard input ends. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Invocation } from "../../lab/tools.ts";

/** Such a program, running. */
export interface LineProgram {
  /** Writes a line to its standard input. */
  write(line: string): void;
  /** Ends its standard input, and waits for its end. */
  stop(): Promise<void>;
}

/** Starts one; what it says on standard error is seen as it is. */
export function startLines({ file, args, env }: Invocation, onLine: (line: string) => void): LineProgram {
  const child = spawn(file, args, { env, stdio: ["pipe", "pipe", "inherit"] });
  createInterface({ input: child.stdout }).on("line", onLine);
  child.stdin.on("error", () => undefined); // It has ended by itself.
  // It does not see that this process ends where the node that it runs on has gone.
  const kill = () => child.kill();
  process.once("exit", kill);
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => {
      process.off("exit", kill);
      resolve();
    });
  });
  return {
    write: (line) => child.stdin.write(`${line}\n`),
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
