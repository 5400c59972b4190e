import { shellWord } from "../input/printable.ts";
import { listed } from "../input/problems.ts";
import { type Case, type Finder, kubectl, nameOf, portNamed } from "./case.ts";
import type { ContainerPort, Pod, ServicePort } from "./facts.ts";
import { type Finding, finding, type Next } from "./finding.ts";
import { Severity } from "./weights.ts";

/**
 * Where the ports of a Service lead, by what its pods' containers declare. A name has to be declared, with the same protocol,
 * or no endpoint is made of the pod; a number need not be: who listens there says nothing of it.
 *
 * Source: `FindPort` in k8s.io/endpointslice/utils.go.
 */
export const ports: Finder = {
  needs: ["pods"],
  find: (one) => {
    // What becomes of those is told otherwise, and they may be of another make.
    const pods = one.livePods.filter(({ terminating }) => !terminating);
    if (pods.length === 0) return [];
    return one.service.ports.flatMap((port) =>
      typeof port.targetPort === "string"
        ? byName(one, port, port.targetPort, pods)
        : byNumber(one, port, port.targetPort, pods),
    );
  },
};

/** One of several ports: the others answer. */
function scope({ service }: Case): { severity?: Severity } {
  return service.ports.length > 1 ? { severity: Severity.some } : {};
}

function byName(one: Case, port: ServicePort, name: string, pods: readonly Pod[]): Finding[] {
  const object = nameOf(one.service);
  const leads = `Its ${portNamed(port)} leads to a container's port ${name}/${port.protocol}`;
  const fits = (declared: ContainerPort) => declared.name === name && declared.protocol === port.protocol;
  const lacking = pods.filter((pod) => !pod.ports.some(fits));
  if (lacking.length === pods.length) {
    const other = pods.flatMap((pod) => pod.ports).find((declared) => declared.name === name);
    return other === undefined
      ? [
          finding("target-port-name", {
            object,
            words: `${leads}, which none of its pods declares; ${declaredBy(pods)}.`,
            next: mend(one),
            ...scope(one),
          }),
        ]
      : [
          finding("target-port-protocol-name", {
            object,
            words: `${leads}, and its pods declare ${name} as ${other.port}/${other.protocol}.`,
            next: mend(one),
            ...scope(one),
          }),
        ];
  }
  if (lacking.length > 0) {
    return [
      finding("target-port-name-differs", {
        object,
        words: `${leads}, which ${lacking.length} of its ${pods.length} pods do not declare, such as ${lacking[0]?.name ?? ""}: they are no endpoints of it.`,
        next: mend(one),
      }),
    ];
  }
  const double = pods.find(
    (pod) => new Set(pod.ports.filter(fits).map((declared) => declared.port)).size > 1,
  );
  if (double === undefined) return [];
  const numbers = double.ports.filter(fits).map((declared) => declared.port);
  return [
    finding("duplicate-port-name", {
      object: `Pod ${double.namespace}/${double.name}`,
      words: `${leads}, which several of a pod's containers declare: ${numbers.join(" and ")}. The first one counts.`,
      next: { words: "Give each port a name of its own, or lead to its number", command: null },
    }),
  ];
}

function byNumber(one: Case, port: ServicePort, number: number, pods: readonly Pod[]): Finding[] {
  const object = nameOf(one.service);
  const declared = pods.flatMap((pod) => pod.ports);
  const same = declared.filter((other) => other.port === number);
  // Who declares nothing says nothing.
  if (declared.length === 0 || same.some(({ protocol }) => protocol === port.protocol)) return [];
  const leads = `Its ${portNamed(port)} leads to ${number}/${port.protocol}`;
  return same.length > 0
    ? [
        finding("target-port-protocol", {
          object,
          words: `${leads}, and its pods declare ${number}/${same[0]?.protocol ?? ""}.`,
          next: mend(one),
        }),
      ]
    : [
        finding("target-port-undeclared", {
          object,
          words: `${leads}, which none of its pods declares; ${declaredBy(pods)}. A container may listen there all the same.`,
          next: mend(one),
        }),
      ];
}

function declaredBy(pods: readonly Pod[]): string {
  const declared = new Set(
    pods.flatMap((pod) =>
      pod.ports.map(({ name, port, protocol }) => `${name === "" ? "" : `${name} `}${port}/${protocol}`),
    ),
  );
  return declared.size === 0 ? "they declare no port" : `they declare ${listed([...declared])}`;
}

function mend({ service }: Case): Next {
  return {
    words: "Mend targetPort, or what the container declares",
    command: kubectl(service, `edit service ${shellWord(service.name)}`),
  };
}
