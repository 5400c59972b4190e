import { printableLines, shellWord } from "../input/printable.ts";
import { formatSeconds } from "../input/seconds.ts";
import { table } from "../input/table.ts";
import { count } from "./case.ts";
import { type AllDiagnosis, nameOfPart, type ServiceDiagnosis } from "./diagnose.ts";
import type { ServicePort } from "./facts.ts";
import type { Finding, Next } from "./finding.ts";
import type { EndpointReport, NodeReport } from "./trial.ts";
import { Severity } from "./weights.ts";

/** Longest line in letters, of which a text from the cluster could make one that nobody reads. */
const longestLine = 600;

/** At most so many nodes of which there is nothing to say are listed. */
const mostFine = 20;

/** At most so many Services are listed; the JSON has them all. */
const mostServices = 50;

/** Ports of a Service that are named. */
const mostPorts = 5;

/**
 * Writes a diagnosis for a terminal: what it is about, the verdict, the findings that it comes from with what to do, and
 * what else there is.
 *
 * @param access - options that name the same cluster to kubectl and this program's commands, ready for a shell
 */
export function formatService(diagnosis: ServiceDiagnosis, access: readonly string[]): string {
  const { findings, verdict, unread } = diagnosis;
  const [worst] = findings;
  const main = findings.filter(
    ({ severity }) => severity === worst?.severity && severity !== Severity.remark,
  );
  const beside = findings.filter((one) => !main.includes(one));
  const told = (some: readonly Finding[]) =>
    some.flatMap(({ words, next }) => [words, ...nextLines(next, access)]);
  return lines([
    headingOf(diagnosis),
    "",
    verdict.sentence,
    ...indented([...told(main), ...nextLines(verdict.next, access)]),
    ...(beside.length === 0 ? [] : ["", main.length === 0 ? "What there is to know:" : "Beside that:"]),
    ...indented(told(beside)),
    ...nodeLines(diagnosis.nodes ?? []),
    ...endpointLines(diagnosis.tried ?? []),
    ...partLines("Not tried", diagnosis.untried ?? []),
    ...unreadLines(unread),
  ]);
}

/** Writes for a terminal which Services have findings, the worst first; see {@link formatService}. */
export function formatServices(diagnosis: AllDiagnosis, access: readonly string[]): string {
  const { services, counts, cluster, diagnoses, unread } = diagnosis;
  const shown = diagnoses.slice(0, mostServices);
  const left = diagnoses.length - shown.length;
  const rows = shown.map(({ namespace, name, type, findings: [worst, ...others] }) => [
    `${namespace}/${name}`,
    type ?? "-",
    worst?.severity ?? "-",
    cut(worst?.words ?? "") + (others.length > 0 ? ` (and ${others.length} more)` : ""),
  ]);
  const [first] = diagnoses;
  const parts = [
    [counts.stops, "not answered"],
    [counts.some, "answered in part"],
    [counts.may, "cannot be told from here"],
    [counts.remark, "with something to know"],
    [services - diagnoses.length, "without a finding"],
  ].flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`]));
  return lines([
    ...cluster.flatMap(({ words, next }) => [`All Services: ${words}`, ...indented(nextLines(next, access))]),
    ...(cluster.length > 0 ? [""] : []),
    ...(rows.length > 0 ? [...table(["SERVICE", "TYPE", "WEIGHS", "FINDING"], rows)] : []),
    ...(left > 0 ? [`... and ${left} more, which --json has`] : []),
    ...(rows.length > 0 ? [""] : []),
    `${count(services, "Service")}${parts.length > 0 ? `: ${parts.join(", ")}` : ""}.`,
    ...(first === undefined
      ? []
      : nextLines(
          {
            words: "Look at one",
            command: `npm run --silent doctor -- --service ${shellWord(`${first.namespace}/${first.name}`)}`,
          },
          access,
        )),
    ...unreadLines(unread),
  ]);
}

function headingOf({ namespace, name, type, addresses, ports, endpoints }: ServiceDiagnosis): string {
  const shownPorts = ports.slice(0, mostPorts).map(formatPort);
  const more = ports.length - shownPorts.length;
  const parts = [
    `Service ${namespace}/${name}`,
    ...(type === null ? [] : [formatType(type, addresses)]),
    ...(ports.length === 0
      ? []
      : [
          `${ports.length === 1 ? "port" : "ports"} ${[...shownPorts, ...(more > 0 ? [`${more} more`] : [])].join(", ")}`,
        ]),
  ];
  const { ready = 0, nodes = 0 } = endpoints ?? {};
  return (
    parts.join(", ") + (ready > 0 ? `: ${count(ready, "endpoint")} ready on ${count(nodes, "node")}` : "")
  );
}

function formatType(type: string, addresses: readonly string[]): string {
  if (type === "ExternalName") return type;
  const [first = "None"] = addresses;
  return first === "None" ? "headless" : `${type} ${addresses.join(" and ")}`;
}

function formatPort({ name, protocol, port, targetPort, nodePort }: ServicePort): string {
  return [
    ...(name === "" ? [] : [name]),
    `${port}${protocol === "TCP" ? "" : `/${protocol}`} -> ${targetPort}`,
    ...(nodePort > 0 ? [`(NodePort ${nodePort})`] : []),
  ].join(" ");
}

function nextLines(next: Next | null, access: readonly string[]): string[] {
  if (next === null) return [];
  const { words, command } = next;
  return [command === null ? `${words}.` : `${words}:  ${withAccess(command, access)}`];
}

/** A command for the same cluster. */
function withAccess(command: string, access: readonly string[]): string {
  if (access.length === 0) return command;
  const options = access.join(" ");
  if (command.startsWith("kubectl ")) return `kubectl ${options} ${command.slice("kubectl ".length)}`;
  return `${command}${command.includes(" -- ") ? "" : " --"} ${options}`;
}

/** The nodes, the faulty ones first. */
function nodeLines(nodes: readonly NodeReport[]): string[] {
  if (nodes.length === 0) return [];
  const weights = { faulty: 0, elsewhere: 1, unknown: 2, fine: 3 };
  const sorted = nodes.toSorted(
    (a, b) => weights[a.verdict] - weights[b.verdict] || a.node.localeCompare(b.node),
  );
  const shown = sorted.slice(0, mostFine + nodes.filter(({ verdict }) => verdict !== "fine").length);
  const rows = shown.map(({ node, lastSyncSeconds, newService, seconds, reached, verdict, reason }) => [
    node,
    lastSyncSeconds === null ? "no answer" : `synced ${formatSeconds(lastSyncSeconds)} ago`,
    { answers: `yes, ${(seconds ?? 0).toFixed(1)} s`, fails: "no", unasked: "not asked" }[newService],
    reached === null ? "-" : `${reached.endpoints} of ${reached.of}`,
    reason === "" ? verdict : `${verdict}: ${reason}`,
  ]);
  const left = sorted.length - shown.length;
  return [
    "",
    ...table(["NODE", "KUBE-PROXY", "KNOWS A NEW SERVICE", "ENDPOINTS REACHED", "VERDICT"], rows),
    ...(left > 0 ? [`... and ${left} more that are fine`] : []),
  ];
}

/** The endpoints that were asked by themselves. */
function endpointLines(endpoints: readonly EndpointReport[]): string[] {
  if (endpoints.length === 0) return [];
  const rows = endpoints.map(({ namespace, pod, port, outcome, reason }) => [
    `${namespace}/${pod}`,
    String(port),
    reason === "" ? outcome : `${outcome}: ${reason}`,
  ]);
  return ["", ...table(["ENDPOINT", "PORT", "BY ITSELF"], rows)];
}

function unreadLines(unread: Readonly<Record<string, string>>): string[] {
  return partLines(
    "Not looked at",
    Object.entries(unread).map(([part, why]) => `${nameOfPart(part)}: ${why}`),
  );
}

function partLines(heading: string, some: readonly string[]): string[] {
  return some.length === 0 ? [] : ["", `${heading}:`, ...indented(some)];
}

function indented(some: readonly string[]): string[] {
  return some.map((line) => `  ${line}`);
}

function lines(some: readonly string[]): string {
  return printableLines(some.map(cut));
}

function cut(line: string): string {
  return line.length > longestLine ? `${line.slice(0, longestLine)}…` : line;
}
