/** The command line of the lab: `npm run lab -- up | down | status | kubectl | node`. */
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import type { ParseArgsConfig } from "node:util";

import { checkKubeApiQps } from "./controllerRate.ts";
import {
  type ComponentStatus,
  down,
  find,
  type Kernel,
  kubectlCommand,
  type Lab,
  type Mode,
  nodeCommand,
  status,
  up,
} from "./index.ts";
import { checkMode } from "./modes.ts";
import { checkNodes } from "./nodes.ts";
import { checkRealNodes, checkVmNodes } from "./real/addresses.ts";
import { labDir } from "./state.ts";
import type { Invocation } from "./tools.ts";
import { checkKernel } from "./vm/kernels.ts";

const usage = `A real Kubernetes control plane on this machine, with nodes played by kwok, or real ones.

usage: npm run lab -- COMMAND

  up [--name NAME] [--nodes N] [--real-nodes N] [--vm-nodes N] [--kernel 6.1|5.10]
     [--kubeadm] [--mode iptables|nftables|ipvs] [--kube-api-qps N]
      Bring the lab up, or find it running. --nodes: played by kwok, 0 to 1024, 20 unless given;
      scales a lab that runs. --real-nodes: with a kubelet and a kernel, 0 to 9, 0 unless given;
      needs root on Linux; without --nodes there are no others then. --vm-nodes: the same with a kernel of
      their own, 6.1 unless --kernel says another; emulated where need be, which is slow. --kubeadm: start with
      kubeadm-config and kubeadm's own kube-proxy; --mode: the same, in that mode. --kube-api-qps: requests a
      second of the controller manager, 1 to 1000, 1000 unless given; Kubernetes' default is 20.
  down [--name NAME]
      End the lab and remove everything it wrote.
  status [--name NAME]
      Show its components, nodes and kubeconfig file. Exit code 1 unless all is well.
  kubectl [--name NAME] ARGS...
      Run kubectl against it.
  node [--name NAME] NODE COMMAND [ARGS...]
      Run a command on a real node or vm node, for example: node real-1 nft list ruleset.

NAME is "default" unless given: labs of different names run side by side.`;

/** Mistakes in the command line, all of them: told with the usage, exit code 2. */
class UsageError extends Error {}

const commands: Record<string, (args: string[]) => Promise<number>> = {
  async up(args) {
    const { name, nodes, kernel, kubeadm, mode, ...rest } = parse(args, {
      name: { type: "string" },
      nodes: { type: "string" },
      "real-nodes": { type: "string" },
      "vm-nodes": { type: "string" },
      kernel: { type: "string" },
      kubeadm: { type: "boolean" },
      mode: { type: "string" },
      "kube-api-qps": { type: "string" },
    });
    const { "real-nodes": realNodes, "vm-nodes": vmNodes, "kube-api-qps": kubeApiQps } = rest;
    const lab = await up({
      ...(name !== undefined && { name }),
      ...(nodes !== undefined && { nodes: Number(nodes) }),
      ...(realNodes !== undefined && { realNodes: Number(realNodes) }),
      ...(vmNodes !== undefined && { vmNodes: Number(vmNodes) }),
      ...(kernel !== undefined && { kernel: kernel as Kernel }),
      ...(kubeadm !== undefined && { kubeadm }),
      ...(mode !== undefined && { mode: mode as Mode }),
      ...(kubeApiQps !== undefined && { kubeApiQps: Number(kubeApiQps) }),
      log: console.log,
    });
    console.log(nextSteps(lab));
    return 0;
  },

  async down(args) {
    const { name = "default" } = parse(args, { name: { type: "string" } });
    const ended = await down(name);
    console.log(ended ? `The lab "${name}" is ended.` : `There is no lab "${name}".`);
    return 0;
  },

  async status(args) {
    const { name = "default" } = parse(args, { name: { type: "string" } });
    const found = await status(name);
    if (found === undefined) {
      console.log(`There is no lab "${name}". Bring it up: npm run lab -- up${nameOption(name)}`);
      return 1;
    }
    const { lab, components, nodes, healthy } = found;
    console.log(`Kubernetes ${lab.kubernetesVersion} at ${lab.server}\n\n${table(components)}\n`);
    if (nodes === undefined) console.log("nodes       the API server does not tell");
    else console.log(`nodes       ${nodes.ready} of ${nodes.total} Ready`);
    console.log(
      healthy
        ? nextSteps(lab)
        : `logs        ${lab.dir}\nNot healthy. Start anew: npm run lab -- up${nameOption(name)}`,
    );
    return healthy ? 0 : 1;
  },

  async kubectl(args) {
    const { name, rest } = splitName(args);
    return await inherit(name, (lab) => kubectlCommand(lab, rest));
  },

  async node(args) {
    const { name, rest } = splitName(args);
    const [node, ...command] = rest;
    if (node === undefined || command.length === 0) throw new UsageError("node: give a node and a command");
    return await inherit(name, (lab) => nodeCommand(lab, node, command));
  },
};

/** Takes the --name in front, the only option that is ours: what is run has options of its own. */
function splitName(args: string[]): { name: string; rest: string[] } {
  const inFront = args[0] === "--name" ? 2 : args[0]?.startsWith("--name=") === true ? 1 : 0;
  const { name = "default" } = parse(args.slice(0, inFront), { name: { type: "string" } });
  return { name, rest: args.slice(inFront) };
}

/** Runs a command for a lab with this process' terminal; gives its exit code. */
async function inherit(name: string, command: (lab: Lab) => Invocation): Promise<number> {
  const lab = await find(name);
  if (lab === undefined) {
    console.error(`The lab "${name}" does not run. Bring it up: npm run lab -- up${nameOption(name)}`);
    return 1;
  }
  const { file, args, env } = command(lab);
  const child = spawn(file, args, { env, stdio: "inherit" });
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      resolve(code ?? 1);
    });
  });
}

interface Options {
  name?: string;
  nodes?: string;
  "real-nodes"?: string;
  "vm-nodes"?: string;
  kernel?: string;
  kubeadm?: boolean;
  mode?: string;
  "kube-api-qps"?: string;
}

/** Reads a command's options, and tells every mistake at once where parseArgs stops at the first. */
function parse(args: string[], accepted: NonNullable<ParseArgsConfig["options"]>): Options {
  const { values, tokens } = parseArgs({ args, options: accepted, strict: false, tokens: true });
  const known = Object.keys(accepted)
    .map((option) => `--${option}`)
    .join(", ");
  const problems = tokens.flatMap((token) => {
    if (token.kind === "positional") return `${JSON.stringify(token.value)} is one word too many`;
    if (token.kind !== "option") return [];
    const type = accepted[token.name]?.type;
    if (type === undefined) return `${token.rawName} is not accepted; give ${known}`;
    if (type === "string" && token.value === undefined) return `${token.rawName} needs a value`;
    if (type === "boolean" && token.value !== undefined) return `${token.rawName} takes no value`;
    return [];
  });
  const checks: Record<string, (value: string) => void> = {
    name: labDir,
    nodes: (value) => {
      checkNodes(wholeNumber(value));
    },
    "real-nodes": (value) => {
      checkRealNodes(wholeNumber(value));
    },
    "vm-nodes": (value) => {
      checkVmNodes(wholeNumber(value));
    },
    kernel: checkKernel,
    mode: checkMode,
    "kube-api-qps": (value) => {
      checkKubeApiQps(wholeNumber(value));
    },
  };
  for (const [option, check] of Object.entries(checks)) {
    const value = values[option];
    if (typeof value === "string") problems.push(...complaint(check, value));
  }
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return values;
}

/** Number("") is 0 and Number("1e2") is 100: neither is meant. */
function wholeNumber(value: string): number | string {
  return /^\d+$/.test(value) ? Number(value) : value;
}

function complaint(check: (value: string) => void, value: string): string[] {
  try {
    check(value);
    return [];
  } catch (error) {
    return [`--${(error as Error).message}`];
  }
}

function nextSteps(lab: Lab): string {
  const option = nameOption(lab.name);
  return [
    `kubeconfig  ${lab.kubeconfig}`,
    `context     ${lab.context}`,
    `try         npm run lab -- kubectl${option} get nodes`,
    `end it      npm run lab -- down${option}`,
  ].join("\n");
}

function nameOption(name: string): string {
  return name === "default" ? "" : ` --name ${name}`;
}

function table(components: readonly ComponentStatus[]): string {
  const rows = components.map(({ name, pid, port, health }) => [name, String(pid), String(port), health]);
  return [["COMPONENT", "PID", "PORT", "HEALTH"], ...rows]
    .map(([name = "", pid = "", port = "", health = ""]) =>
      [name.padEnd(24), pid.padStart(8), port.padStart(6), ` ${health}`].join(" "),
    )
    .join("\n");
}

async function main([command = "", ...args]: string[]): Promise<number> {
  if (["help", "--help", "-h"].includes(command)) {
    console.log(usage);
    return 0;
  }
  const run = commands[command];
  if (run === undefined) {
    const accepted = Object.keys(commands).join(", ");
    throw new UsageError(`command: ${JSON.stringify(command)} is not accepted; give ${accepted}`);
  }
  return await run(args);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.error(error instanceof UsageError ? `${error.message}\n\n${usage}` : error.message);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
