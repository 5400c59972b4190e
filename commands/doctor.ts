import { printableJson } from "../components/input/printable.ts";
import type { Problem } from "../components/input/problems.ts";
import { areWell, type ClusterOptions, clusterUsage, printEach, runCheck } from "./clusterOptions.ts";
import { complain, print } from "./commandLine.ts";

const usage = `Usage: npm run --silent doctor -- [--context C] [options]
       npm run --silent doctor -- --service NAMESPACE/NAME | --all [--context C] [options]

Asks every node's kube-proxy once and compares them with each other: revision, mode, loaded configuration, last sync and
pending one, failures, and whether a Service that is made for this, and removed, answers. Names the outliers and the
command that restarts such a node's kube-proxy alone. Below that it tells known faults of the versions and systems that run
there, which change no exit code. Exit code: 0 no outlier, 1 there is one, 2 a mistake on the command line.

With --service it says why a Service does not answer: by the cluster's objects, and where those tell of nothing that stops it,
by every node's kube-proxy, asked as above, and by some endpoints, asked past them. With --all it says of which Services the
objects tell something. Exit code: 0 nothing is found that keeps a Service from answering, 1 something is, 2 as above.

  --service NAMESPACE/NAME
                         why this Service does not answer
  --objects-only         with --service: no node and no endpoint is asked, and nothing is made
  --all                  the same of all Services by their objects, the worst first

${clusterUsage}`;

/** A DNS label, as namespaces and Services are named. */
const label = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
const serviceName = new RegExp(`^${label}/${label}$`);

function mistakes(
  { service }: Readonly<Record<string, string | undefined>>,
  flags: readonly string[],
): Problem[] {
  return [
    ...(service === undefined || serviceName.test(service)
      ? []
      : [
          {
            path: "--service",
            value: service,
            accepted: service.includes("/")
              ? "NAMESPACE/NAME, each of at most 63 lower-case letters, digits and inner dashes, such as shop/web"
              : "NAMESPACE/NAME, such as shop/web; for namespace default write default/ before the name",
          },
        ]),
    ...(service !== undefined && flags.includes("all")
      ? [{ path: "--all", accepted: "is not accepted beside --service; leave one of them out" }]
      : []),
    ...(service === undefined && flags.includes("objects-only")
      ? [{ path: "--objects-only", accepted: "is accepted beside --service alone" }]
      : []),
  ];
}

await runCheck({
  usage,
  own: ["service"],
  flags: ["all", "objects-only"],
  mistakes,
  run: async (options, signal) =>
    options.own["service"] === undefined && !options.flags.includes("all")
      ? await nodes(options, signal)
      : await services(options, signal),
});

async function nodes(options: ClusterOptions, signal: AbortSignal): Promise<boolean> {
  const { config, json, access } = options;
  const { examine, formatDiagnosis, inEachFleet } = await import("../components/cluster/verify/index.ts");
  const fleets = { ...options, signal, isPatient: false };
  const diagnoses = await inEachFleet(config, fleets, (share) => examine(config, share));
  const restart = ["npm run --silent restart-nodes --", ...access].join(" ");
  const ok = areWell(diagnoses);
  printEach(diagnoses, { ok, json, format: (one) => formatDiagnosis(one, restart) });
  return ok;
}

async function services(
  { config, own: { service }, flags, deadlineMs, json, access }: ClusterOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { examineService, examineServices, formatService, formatServices } =
    await import("../components/cluster/service/index.ts");
  const reading = { deadlineMs, signal, onProgress: complain };
  if (service === undefined) {
    const all = await examineServices(config, reading);
    print(json ? printableJson(all, 2) : formatServices(all, access));
    return all.ok;
  }
  const [namespace = "", name = ""] = service.split("/");
  const isTried = !flags.includes("objects-only");
  const one = await examineService(config, { namespace, name }, { ...reading, isTried });
  print(json ? printableJson(one, 2) : formatService(one, access));
  return one.ok;
}
