import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { stringify } from "yaml";

import type { ComponentSpec } from "../components.ts";
import { bindPort } from "../kubeadm.ts";
import { network } from "../network.ts";
import { nodeIP, realNodeAddresses, routerAddresses } from "./addresses.ts";
import type { NodeSoftware } from "./build.ts";

/** Ports on 127.0.0.1 by which the control plane and the real nodes reach each other. */
export interface GatewayPorts {
  /** The API server's own. */
  apiServer: number;
  /** The gateway's proxy, by which the API server reaches kubelets. */
  gateway: number;
  /** For each real node, what leads to its kubelet's `/healthz`. */
  kubelets: readonly number[];
}

/** Where kubelets tell their health, as `configuration.ts` leaves it at the default. */
const kubeletHealthzPort = 10248;

/**
 * The process that keeps the real nodes' network, see `go/labnode/gateway.go`. There the API server has the address
 * that it advertises, at kubeadm's port as well as at its real one, which the endpoints of Service `kubernetes` tell.
 */
export function gatewaySpec(dir: string, { bin }: NodeSoftware, ports: GatewayPorts): ComponentSpec {
  const { apiServer, gateway, kubelets } = ports;
  const addresses = [...routerAddresses, `${network.advertiseAddress}/32`];
  const toHost = [bindPort, apiServer].map((port) => `:${port}=127.0.0.1:${apiServer}`);
  const toNodes = kubelets.map((port, index) => {
    return `127.0.0.1:${port}=${nodeIP(realNodeAddresses(index))}:${kubeletHealthzPort}`;
  });
  return {
    name: "gateway",
    file: join(bin, "labnode"),
    port: gateway,
    health: `https://127.0.0.1:${gateway}/`,
    args: [
      "gateway",
      ...addresses.flatMap((address) => ["-address", address]),
      ...toHost.flatMap((forward) => ["-to-host", forward]),
      ...toNodes.flatMap((forward) => ["-to-nodes", forward]),
      ...["-proxy", `127.0.0.1:${gateway}`],
      ...["-cert", join(dir, "pki/apiserver.crt"), "-key", join(dir, "pki/apiserver.key")],
    ],
  };
}

/**
 * Writes the API server's configuration by which it reaches nodes through the gateway.
 *
 * @returns Path of the file.
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/setup-konnectivity/
 */
export function writeEgressSelector(dir: string, { gateway }: GatewayPorts): string {
  const path = join(dir, "egress-selector.yaml");
  const pki = (file: string): string => join(dir, "pki", file);
  const connection = {
    proxyProtocol: "HTTPConnect",
    transport: {
      tcp: {
        url: `https://127.0.0.1:${gateway}`,
        // The gateway asks for no client certificate, but the API server insists on having one.
        tlsConfig: {
          caBundle: pki("ca.crt"),
          clientCert: pki("apiserver-kubelet-client.crt"),
          clientKey: pki("apiserver-kubelet-client.key"),
        },
      },
    },
  };
  const configuration = {
    apiVersion: "apiserver.k8s.io/v1beta1",
    kind: "EgressSelectorConfiguration",
    egressSelections: [{ name: "cluster", connection }],
  };
  writeFileSync(path, stringify(configuration), { mode: 0o600 });
  return path;
}
