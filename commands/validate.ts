import { parseArgs } from "node:util";
import { formatProblems, toJson, told } from "../components/input/problems.ts";
import { validateFile, type Validation } from "../components/kubeadm/validate.ts";
import { print, readInput, runCommand, UsageError } from "./commandLine.ts";

const usage = `Usage: npm run --silent validate -- [--kubernetes-version VERSION] FILE

Tells what kube-proxy of a version would make of its configuration. Ends with 1 where it would exit or ignore a field.

  FILE                          a KubeProxyConfiguration, a ConfigMap that holds one, as kubectl prints it in YAML or JSON,
                                or a file for kubeadm init --config; - for standard input
  --kubernetes-version VERSION  such as v1.37.2; default: that of a kubeadm file's ClusterConfiguration

Prints text on a terminal, else JSON: {"errors": [{path, value, accepted}], "warnings": [{path, value, reason, date}]}.`;

function main(): void {
  const { file, kubernetesVersion } = readCommandLine();
  const name = file === "-" ? "standard input" : file;
  const validation = validateFile(readInput("FILE", file === "-" ? 0 : file), kubernetesVersion);
  print(process.stdout.isTTY ? formatValidation(name, validation) : toJson(bounded(validation), 2));
  process.exitCode = validation.errors.length > 0 ? 1 : 0;
}

function bounded({ errors, warnings }: Validation): Validation {
  return { errors: told(errors), warnings };
}

function formatValidation(name: string, { errors, warnings }: Validation): string {
  return [
    errors.length === 0 ? `No errors in ${name}` : formatProblems(name, errors),
    ...(warnings.length === 0 ? [] : [`${warnings.length} warning${warnings.length === 1 ? "" : "s"}:`]),
    ...warnings.map(
      ({ path, value, reason, date }) =>
        `  ${path}${value === undefined ? "" : ` (${toJson(value)})`}: ${reason} [${date}]`,
    ),
  ].join("\n");
}

function readCommandLine(): { file: string; kubernetesVersion: string | undefined } {
  const { values, positionals } = parseArgs({
    options: { "kubernetes-version": { type: "string" }, help: { type: "boolean" } },
    allowPositionals: true,
  });
  if (values.help === true) {
    print(usage);
    process.exit(0);
  }
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) {
    throw new UsageError("FILE: exactly one is required: a path, or - for standard input");
  }
  return { file, kubernetesVersion: values["kubernetes-version"] };
}

await runCommand({ usage }, main);
