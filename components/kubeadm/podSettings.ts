import * as v from "valibot";
import type { Problem } from "../input/problems.ts";
import { choice, list, mapping, optional, text } from "../input/schema.ts";
import type { NodeSelectorRequirement, PodSettings, VolumeMount } from "./podTypes.ts";

/** Where kubeadm mounts its volumes. */
export const kubeadmsMounts: readonly VolumeMount[] = [
  { name: "kube-proxy", mountPath: "/var/lib/kube-proxy" },
  { name: "xtables-lock", mountPath: "/run/xtables.lock" },
  { name: "lib-modules", mountPath: "/lib/modules", readOnly: true },
];
const kubeadmsVolumes = kubeadmsMounts.map(({ name }) => name);

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const dnsName = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

function whole(accepted: string, min: number, max: number) {
  return v.pipe(
    v.number(accepted),
    v.integer(accepted),
    v.minValue(min, accepted),
    v.maxValue(max, accepted),
  );
}

const flag = optional(v.boolean("true or false"));
const seconds = (least: number) => optional(whole(`a whole number, ${least} or more`, least, 2 ** 31 - 1));
const port = whole("a port from 1 to 65535", 1, 65535);
const mode = optional(whole("a file mode from 0 to 511, which is 0777", 0, 0o777));

/** Schema of requirements of nodes' labels. */
export const requirements = optional(
  list(
    mapping({
      key: text("a node label's key", (key) => key !== ""),
      operator: choice(["In", "NotIn", "Exists", "DoesNotExist"]),
      values: optional(list(text("a label value as a text"), "a list of label values")),
    }),
    "a list of requirements, such as [{key: pool, operator: NotIn, values: [canary]}]",
  ),
);

/** One of some keys, and no second one. */
function oneOf(keys: readonly string[], schema: ReturnType<typeof mapping>) {
  return v.pipe(
    schema,
    v.check(
      (value) => keys.filter((key) => (value as Record<string, unknown>)[key] !== undefined).length === 1,
      `exactly one of ${keys.join(", ")}`,
    ),
  );
}

const probe = optional(
  oneOf(
    ["httpGet", "tcpSocket", "exec"],
    mapping({
      httpGet: optional(
        mapping({
          path: optional(text("a path on the server, such as /healthz")),
          port,
          host: optional(text("a host's name or IP address")),
          scheme: optional(choice(["HTTP", "HTTPS"])),
          httpHeaders: optional(
            list(
              mapping({ name: text("a header's name"), value: text("a text") }),
              "a list of {name, value}",
            ),
          ),
        }),
      ),
      tcpSocket: optional(mapping({ port, host: optional(text("a host's name or IP address")) })),
      exec: optional(
        mapping({ command: list(text("a text"), "a command with its arguments, as a list of texts") }),
      ),
      initialDelaySeconds: seconds(0),
      periodSeconds: seconds(1),
      timeoutSeconds: seconds(1),
      successThreshold: seconds(1),
      failureThreshold: seconds(1),
      terminationGracePeriodSeconds: seconds(1),
    }),
  ),
);

const items = optional(
  list(mapping({ key: text("a key"), path: text("a path"), mode }), "a list of {key, path}"),
);
const hostPathTypes = [
  "",
  "DirectoryOrCreate",
  "Directory",
  "FileOrCreate",
  "File",
  "Socket",
  "CharDevice",
  "BlockDevice",
];

/** The keys of {@link PodSettings} and what each accepts. Source: pkg/apis/core/validation. */
export const podSettingsShape = {
  excludeNodes: requirements,
  priorityClassName: optional(text("the name of a PriorityClass", (value) => dnsName.test(value))),
  hostAliases: optional(
    list(
      mapping({
        ip: v.pipe(v.string("an IP address"), v.ip("an IP address")),
        hostnames: list(
          text("a host's name", (value) => dnsName.test(value)),
          "a list of host names",
        ),
      }),
      "a list of {ip, hostnames}",
    ),
  ),
  volumes: optional(
    list(
      oneOf(
        ["hostPath", "configMap", "secret", "emptyDir"],
        mapping({
          name: text(
            `a DNS label, not ${kubeadmsVolumes.join(", ")}, which are kubeadm's`,
            (value) => dnsLabel.test(value) && !kubeadmsVolumes.includes(value),
          ),
          hostPath: optional(
            mapping({
              path: text("an absolute path", (value) => value.startsWith("/")),
              type: optional(v.picklist(hostPathTypes, `${hostPathTypes.slice(1).join(", ")} or ""`)),
            }),
          ),
          configMap: optional(
            mapping({
              name: text("a ConfigMap's name", (value) => dnsName.test(value)),
              defaultMode: mode,
              items,
              optional: flag,
            }),
          ),
          secret: optional(
            mapping({
              secretName: text("a Secret's name", (value) => dnsName.test(value)),
              defaultMode: mode,
              items,
              optional: flag,
            }),
          ),
          emptyDir: optional(
            mapping({
              medium: optional(v.picklist(["", "Memory"], 'Memory or ""')),
              sizeLimit: optional(text("a Kubernetes quantity, such as 64Mi")),
            }),
          ),
        }),
      ),
      "a list of volumes, such as [{name: logs, hostPath: {path: /var/log}}]",
    ),
  ),
  volumeMounts: optional(
    list(
      mapping({
        name: text("the name of a volume", (value) => dnsLabel.test(value)),
        mountPath: text("an absolute path without a colon", (value) => /^\/[^:]*$/.test(value)),
        readOnly: flag,
        subPath: optional(
          text("a relative path", (value) => !value.startsWith("/") && !value.includes("..")),
        ),
        mountPropagation: optional(choice(["None", "HostToContainer", "Bidirectional"])),
      }),
      "a list of mounts, such as [{name: logs, mountPath: /var/log}]",
    ),
  ),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
};

/** The requirement that holds of every node of which another one does not. */
export function negated({ operator, ...requirement }: NodeSelectorRequirement): NodeSelectorRequirement {
  const opposite = { In: "NotIn", NotIn: "In", Exists: "DoesNotExist", DoesNotExist: "Exists" }[operator];
  return { ...requirement, operator: opposite ?? operator };
}

/** Requirements that have values where none belong, or none where some do. */
export function requirementProblems(given: readonly NodeSelectorRequirement[], path: string): Problem[] {
  return given.flatMap(({ operator, values }, index) => {
    const compares = operator === "In" || operator === "NotIn";
    const place = `${path}[${index}].values`;
    return compares === (values?.length ?? 0) > 0
      ? []
      : [
          compares
            ? { path: place, accepted: `is required with ${operator}: one value or more` }
            : { path: place, value: values, accepted: `none with ${operator}` },
        ];
  });
}

/** What is wrong with settings that the schema accepts one by one: names that are there twice, and mounts of nothing. */
export function podSettingsProblems({
  excludeNodes = [],
  volumes = [],
  volumeMounts = [],
}: PodSettings): Problem[] {
  const names = new Set([...kubeadmsVolumes, ...volumes.map(({ name }) => name)]);
  const paths = [...kubeadmsMounts, ...volumeMounts].map(({ mountPath }) => mountPath);
  return [
    ...requirementProblems(excludeNodes, "excludeNodes"),
    ...volumes.flatMap(({ name }, index) =>
      volumes.findIndex((other) => other.name === name) === index
        ? []
        : [{ path: `volumes[${index}].name`, value: name, accepted: "a name that no other volume has" }],
    ),
    ...volumeMounts.flatMap(({ name, mountPath }, index) => [
      ...(names.has(name)
        ? []
        : [
            {
              path: `volumeMounts[${index}].name`,
              value: name,
              accepted: `the name of a volume: ${[...names].join(", ")}`,
            },
          ]),
      ...(paths.filter((path) => path === mountPath).length === 1
        ? []
        : [
            {
              path: `volumeMounts[${index}].mountPath`,
              value: mountPath,
              accepted: "a path at which nothing else is mounted",
            },
          ]),
    ]),
  ];
}
