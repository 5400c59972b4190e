import { isIP } from "node:net";
import { listed, nearest } from "../input/problems.ts";
import { shellWord } from "../input/printable.ts";
import { type Finder, isHeadless, kubectl, nameOf, portNamed } from "./case.ts";
import { type Finding, finding } from "./finding.ts";

/** What a Service was looked for by, and what there is in its place. */
export interface Missing {
  readonly namespace: string;
  readonly name: string;
  /** Names of all namespaces; undefined where they could not be read. */
  readonly namespaces: readonly string[] | undefined;
  /** Names of the Services of this namespace. */
  readonly services: readonly string[];
}

/** Says that there is no such Service, and which name it may be a slip of. */
export function missing({ namespace, name, namespaces, services }: Missing): Finding {
  const doctor = "npm run --silent doctor -- --service";
  if (namespaces?.includes(namespace) === false) {
    const near = nearest(namespace, namespaces);
    return finding("no-namespace", {
      object: `Namespace ${namespace}`,
      words: `There is no namespace ${namespace}${near === undefined ? "." : `; did you mean ${near}?`}`,
      next:
        near === undefined
          ? { words: "See which there are", command: "kubectl get namespaces" }
          : { words: "Ask again", command: `${doctor} ${shellWord(`${near}/${name}`)}` },
    });
  }
  const near = nearest(name, services);
  const known = services.length === 0 ? "it has none." : `it has ${listed(services.toSorted())}.`;
  return finding("no-service", {
    object: nameOf({ namespace, name }),
    words: `Namespace ${namespace} has no Service ${name}; ${near === undefined ? known : `did you mean ${near}?`}`,
    next:
      near === undefined
        ? { words: "See which there are", command: kubectl({ namespace }, "get services") }
        : { words: "Ask again", command: `${doctor} ${shellWord(`${namespace}/${near}`)}` },
  });
}

/**
 * Services in which kube-proxy has no part.
 *
 * Source: `ShouldSkipService` in pkg/proxy/util/utils.go and the informers' selectors in cmd/kube-proxy/app/server.go;
 * the Service API on externalName, ports of headless Services and `service.kubernetes.io/service-proxy-name`.
 */
export const existence: Finder = {
  needs: [],
  find: ({ service }) => {
    const object = nameOf(service);
    const { type, externalName, proxyName, hasHeadlessLabel, ports, terminating } = service;
    const found: Finding[] = [];
    if (terminating) {
      found.push(
        finding("terminating", {
          object,
          words: "It is about to be deleted, and waits for its finalizers: kube-proxy serves it until then.",
        }),
      );
    }
    if (type === "ExternalName") return [...found, ...externalNames(object, externalName)];
    if (proxyName !== undefined) {
      return [
        ...found,
        finding("other-service-proxy", {
          object,
          words: `Its label service.kubernetes.io/service-proxy-name is "${proxyName}": only the proxy of that name serves it.`,
          next: {
            words: "Look at that proxy, or take the label away",
            command: kubectl(
              service,
              `label service ${shellWord(service.name)} service.kubernetes.io/service-proxy-name-`,
            ),
          },
        }),
      ];
    }
    if (isHeadless(service)) {
      const moved = ports.find(
        ({ port, targetPort }) => targetPort !== port && typeof targetPort === "number",
      );
      found.push(
        finding("headless", {
          object,
          words: "It has no address of its own: DNS answers with those of its pods.",
        }),
        ...(moved === undefined
          ? []
          : [
              finding("headless-target-port", {
                object,
                words: `Its ${portNamed(moved)} is ${moved.port}, and its pods listen at ${moved.targetPort}: who connects to port ${moved.port} of a pod is refused.`,
                next: { words: `Connect to port ${moved.targetPort}, or give it an address`, command: null },
              }),
            ]),
      );
    } else if (hasHeadlessLabel) {
      found.push(
        finding("headless-label", {
          object,
          words:
            "It has label service.kubernetes.io/headless, which is the EndpointSlice controller's, and an address.",
          next: {
            words: "Take the label away",
            command: kubectl(
              service,
              `label service ${shellWord(service.name)} service.kubernetes.io/headless-`,
            ),
          },
        }),
      );
    }
    return found;
  },
};

function externalNames(object: string, externalName: string): Finding[] {
  return isIP(externalName) === 0
    ? [finding("external-name", { object, words: `DNS answers with the name ${externalName}.` })]
    : [
        finding("external-name-address", {
          object,
          words: `Its externalName ${externalName} is an address: DNS takes it for a name, which nobody knows.`,
          next: {
            words: "Make a Service without a selector, and an EndpointSlice with this address",
            command: null,
          },
        }),
      ];
}

/** What is only ever spoken over TCP, as appProtocol names it. */
const overTcp = /^(https?|tcp|tls|grpc|mysql|redis|mongo|postgresql|kubernetes\.io\/(h2c|wss?))$/i;

/** kube-proxy goes by the protocol alone; the appProtocol is others' matter, such as load balancers'. */
export const appProtocols: Finder = {
  needs: [],
  find: ({ service }) =>
    service.ports
      .filter(({ protocol, appProtocol }) => protocol !== "TCP" && overTcp.test(appProtocol))
      .map((port) =>
        finding("app-protocol", {
          object: nameOf(service),
          words: `Its ${portNamed(port)} is ${port.protocol}, and its appProtocol ${port.appProtocol} is spoken over TCP.`,
          next: { words: "Set protocol to TCP, or mend the appProtocol", command: null },
        }),
      ),
};
