import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parseArgs } from "node:util";
import { settingsOfKubeadmConfig } from "../../components/kubeadm/configFile.ts";
import { kubeProxyObjects } from "../../components/kubeadm/manifests.ts";
import { minors } from "../../components/kubeadm/minors.ts";
import type { ObjectMeta } from "../../components/kubeadm/objects.ts";
import type { Settings } from "../../components/kubeadm/settings.ts";
import { asSent, byKind, printedObjects } from "../../oracles/printed.ts";

const reference = join(import.meta.dirname, "reference");
const read = (...path: string[]) => readFileSync(join(reference, ...path), "utf8");

suite("config.conf and kubeconfig.conf are kubeadm's to the byte", () => {
  for (const { minor } of minors) {
    test(`1.${minor}`, () => {
      const { data } = kubeProxyObjects(plain(`v1.${minor}.0`)).configMap;
      assert.equal(`${data["config.conf"]}\n`, read(`config-1.${minor}.conf`));
      assert.equal(`${data["kubeconfig.conf"]}\n`, read("kubeconfig.conf"));
    });
  }
});

suite("every object is kubeadm's request body", () => {
  const cases: Record<string, Settings> = {
    "k1.15.0-minimal": plain("v1.15.0"),
    "k1.15.0-podsubnet": { ...plain("v1.15.0"), podSubnet: "10.244.0.0/16" },
    "k1.20.2-minimal": plain("v1.20.2"),
    "k1.20.2-podsubnet": { ...plain("v1.20.2"), podSubnet: "10.244.0.0/16" },
  };
  for (const [name, settings] of Object.entries(cases)) {
    test(name, () => {
      const bodies = read(`${name}.jsonl`)
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { body: object }).body);
      assertSame(kubeProxyObjects(settings), bodies);
    });
  }
});

suite("every object is what kubeadm prints", () => {
  for (const minor of readdirSync(reference).filter((name) => /^1\.\d+$/.test(name))) {
    for (const file of readdirSync(join(reference, minor)).filter((name) => name.endsWith(".args"))) {
      const name = file.replace(".args", "");
      if (!existsSync(join(reference, minor, `${name}.yaml`))) {
        continue;
      }
      test(`${minor} ${name}`, () => {
        const settings = settingsOfCommand(read(minor, file), (config) => read(minor, config));
        const objects = kubeProxyObjects(settings);
        const printed = printedObjects(read(minor, `${name}.yaml`));
        // `--print-manifest` prints the ConfigMap without its hash.
        const expected = name.startsWith("d-")
          ? objects
          : {
              ...objects,
              configMap: { ...objects.configMap, metadata: withoutAnnotations(objects.configMap.metadata) },
            };
        assertSame(expected, printed);
      });
    }
  }
});

function plain(kubernetesVersion: string): Settings {
  return { kubernetesVersion, controlPlaneEndpoint: "192.0.2.10:6443" };
}

/** The settings that a recorded kubeadm command line stands for. */
function settingsOfCommand(recorded: string, readConfig: (file: string) => string): Settings {
  const line = recorded.split("\n")[0] ?? "";
  const [before = "", after = ""] = line.split(/kubeadm init phase addon kube-proxy /);
  const env = [...before.matchAll(/(\w+_proxy)=(\S+)/gi)].map(([, name = "", value = ""]) => ({
    name,
    value,
  }));
  const string = { type: "string" } as const;
  const { values } = parseArgs({
    args: after.trim().split(/\s+/),
    options: {
      "print-manifest": { type: "boolean" },
      "dry-run": { type: "boolean" },
      kubeconfig: string,
      config: string,
      "kubernetes-version": string,
      "apiserver-advertise-address": string,
      "control-plane-endpoint": string,
      "pod-network-cidr": string,
    },
  });
  const { config, "pod-network-cidr": podSubnet } = values;
  const settings =
    config === undefined
      ? {
          kubernetesVersion: values["kubernetes-version"] ?? "",
          controlPlaneEndpoint:
            values["control-plane-endpoint"] ?? `${values["apiserver-advertise-address"]}:6443`,
          ...(podSubnet && { podSubnet }),
        }
      : settingsOfKubeadmConfig(readConfig(config), config);
  return env.length > 0 ? { ...settings, env } : settings;
}

/** Compares by kind, so that the order in which a kubeadm wrote them does not matter. */
function assertSame(ours: object, theirs: object[]): void {
  const actual = byKind(Object.values(ours) as object[]);
  const expected = byKind(theirs.map(asSent));
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort());
  for (const [kind, object] of Object.entries(expected)) {
    assert.deepEqual(actual[kind], object, kind);
  }
}

function withoutAnnotations(metadata: ObjectMeta): ObjectMeta {
  return Object.fromEntries(
    Object.entries(metadata).filter(([key]) => key !== "annotations"),
  ) as unknown as ObjectMeta;
}
