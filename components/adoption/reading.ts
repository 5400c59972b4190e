/** Pure: what somebody has changed in kubeadm's objects. */
import { isDeepStrictEqual } from "node:util";
import type { Yaml } from "../configuration/goYaml.ts";
import { at } from "../configuration/render.ts";
import type { KubeProxyConfiguration } from "../configuration/types.ts";
import { isEmpty } from "../configuration/values.ts";
import { withoutSecrets, withoutUserinfo } from "../input/passwords.ts";
import { type Problem, toJson } from "../input/problems.ts";
import { mapping } from "../input/schema.ts";
import { serverUrlOf } from "../kubeadm/address.ts";
import { endpointIn, serverIn } from "../kubeadm/clusterConfiguration.ts";
import { defaultImage, kubeProxyObjects } from "../kubeadm/manifests.ts";
import type { DaemonSet, KubeProxyObjects } from "../kubeadm/objects.ts";
import { checkSettings, type Metadata, type Settings, settingsShape } from "../kubeadm/settings.ts";
import { parseVersion } from "../kubeadm/version.ts";
import {
  configurationOf,
  differingFields,
  kubeconfigProblems,
  readConfiguration,
  withField,
} from "./configuration.ts";
import {
  additive,
  foreignMetadata,
  keyOf,
  missingIn,
  missingLabels,
  settingIn,
  withoutOwnAnnotations,
} from "./daemonSet.ts";
import { type Difference, differencesOf, formatPath, isBelow, type Path, valueAt } from "./differences.ts";
import { dataOf, type LiveObject, liveName, madeOf } from "./live.ts";

/** Settings by name, of which those that nobody set are absent. */
type Some = Partial<Settings>;

/** Whose word each setting is. */
export interface Word {
  readonly settings: Settings;
  /** Settings that are the cluster's own word and not the user's. */
  readonly cluster: Some;
}

/** What somebody has changed. */
export interface Edits {
  /** Settings that keep it. */
  readonly edits: Some;
  /** What no setting can keep, and what cannot be read. */
  readonly problems: readonly Problem[];
}

/** Reads what somebody has changed in live objects since kubeadm made them. */
export class Reading {
  readonly #objects: readonly LiveObject[];
  readonly #settings: Settings;
  readonly #cluster: Some;

  constructor(objects: readonly LiveObject[], { settings, cluster }: Word) {
    this.#objects = objects;
    this.#cluster = cluster;
    this.#settings = settings;
  }

  read(): Edits {
    const version = this.#liveVersion();
    const made = version === undefined ? this.#settings : { ...this.#settings, kubernetesVersion: version };
    const isOtherVersion = made.kubernetesVersion !== this.#settings.kubernetesVersion;
    const configured = this.#configurationEdits(made);
    const found = { ...this.#daemonSetEdits(made), ...this.#metadataEdits(made), ...configured.edits };
    const edits = accepted(found, made);
    return {
      edits: {
        ...(isOtherVersion &&
          !this.#isOwn("kubernetesVersion") && { kubernetesVersion: made.kubernetesVersion }),
        ...edits,
      },
      problems: [...configured.problems, ...this.#leftovers({ ...made, ...edits })],
    };
  }

  /** The version by which the image is named, where it is named as kubeadm does. */
  #liveVersion(): string | undefined {
    const image = valueAt(this.#find("DaemonSet"), ["spec", "template", "spec", "containers", 0, "image"]);
    const version = parseVersion(String(image).split(":").at(-1));
    return version !== undefined && image === defaultImage(this.#settings.imageRepository, version)
      ? version.text
      : undefined;
  }

  /** Whether a setting is the user's own word. */
  #isOwn(key: keyof Settings): boolean {
    const value = this.#settings[key];
    return value !== undefined && !isDeepStrictEqual(value, this.#cluster[key]);
  }

  #find(kind: string): LiveObject | undefined {
    return this.#objects.find((object) => object.kind === kind);
  }

  /** Whatever somebody sets, kubeadm's own part stays. */
  #missing(live: LiveObject, bare: KubeProxyObjects): Difference[] {
    const isOwn = (key: keyof Settings) => this.#isOwn(key);
    return [
      ...(live.kind === "DaemonSet" ? missingIn(live, bare.daemonSet, isOwn) : []),
      ...missingLabels(live, madeOf(bare, live.kind)),
    ];
  }

  #daemonSetEdits(made: Settings): Some {
    const live = this.#find("DaemonSet");
    if (live === undefined) {
      return {};
    }
    const { daemonSet } = kubeProxyObjects(made);
    const keys = differencesOf(live, daemonSet)
      .map(({ path }) => keyOf(path))
      .filter((key) => key !== undefined)
      .filter((key) => !this.#isOwn(key));
    return Object.fromEntries(keys.map((key) => [key, settingIn(key, live, daemonSet)]));
  }

  #metadataEdits(made: Settings): Some {
    const objects = kubeProxyObjects(made);
    const found = this.#objects.map((live) => {
      const wanted = madeOf(objects, live.kind);
      return (wanted === undefined ? {} : foreignMetadata(live, wanted)) as Metadata;
    });
    const labels = Object.assign({}, ...found.map((one) => one.labels)) as Record<string, string>;
    const annotations = Object.assign({}, ...found.map((one) => one.annotations)) as Record<string, string>;
    const metadata = {
      ...(!isEmpty(labels) && { labels }),
      ...(!isEmpty(annotations) && { annotations }),
    };
    return this.#isOwn("metadata") ? {} : { metadata };
  }

  #configurationEdits(made: Settings): { edits: Some; problems: readonly Problem[] } {
    const live = this.#find("ConfigMap");
    const minor = parseVersion(made.kubernetesVersion)?.minor.minor;
    if (live === undefined || minor === undefined) {
      return { edits: {}, problems: [] };
    }
    const { data: wanted } = kubeProxyObjects(made).configMap;
    const data = dataOf(live);
    const { configuration, problems } = readConfiguration(data["config.conf"], minor);
    const endpoint = endpointIn(data["kubeconfig.conf"]);
    const isMoved =
      endpoint !== undefined && serverIn(data["kubeconfig.conf"]) !== serverIn(wanted["kubeconfig.conf"]);
    return {
      edits: {
        ...(configuration && this.#fieldEdits(configuration, made, minor)),
        ...(isMoved && !this.#isOwn("controlPlaneEndpoint") && { controlPlaneEndpoint: endpoint }),
      },
      problems: [...problems, ...kubeconfigProblems(data["kubeconfig.conf"], wanted["kubeconfig.conf"])].map(
        (problem) => ({ ...problem, path: `${liveName(live)}, ${problem.path}` }),
      ),
    };
  }

  #fieldEdits(live: KubeProxyConfiguration, made: Settings, minor: number): Some {
    const given = made.configuration ?? {};
    const wanted = configurationOf(kubeProxyObjects(made).configMap, minor);
    const fields = differingFields(live, wanted, minor).filter(
      (path) => at(given, path) === undefined && at(live, path) !== undefined,
    );
    const pins = pinned.filter((path) => !fields.includes(path) && at(live, path) && !at(wanted, path));
    const isPodSubnet = (path: string) => path === "clusterCIDR" && made.podSubnet === undefined;
    const others = [...fields, ...pins].filter((path) => !isPodSubnet(path));
    const configuration = others.reduce((edited, path) => withField(edited, path, at(live, path)), given);
    return {
      ...(fields.some(isPodSubnet) && { podSubnet: String(live.clusterCIDR) }),
      ...(others.length > 0 && { configuration }),
    };
  }

  /** What is not as kubeadm made it even with all settings. */
  #leftovers(made: Settings): Problem[] {
    const [objects, bare] = [kubeProxyObjects(made), withoutAdditive(made)];
    return this.#objects.flatMap((live) => {
      const isMoved = live.kind === "DaemonSet" && saysArguments(live, made, bare.daemonSet);
      const wanted = madeOf(objects, live.kind);
      const found = live.kind === "ConfigMap" ? this.#configMapLeftovers(live, made) : [];
      return [
        ...found,
        ...[
          ...differencesOf(live, wanted && withoutOwnAnnotations(wanted)).filter(
            (difference) =>
              !this.#isWanted(live, difference) && !(isMoved && keyOf(difference.path) === "extraArgs"),
          ),
          ...this.#missing(live, bare),
        ].map((difference) => leftoverProblem(live, difference, made.kubernetesVersion)),
      ];
    });
  }

  /** Whether a difference is what the user has asked for, or adds a label or an annotation. */
  #isWanted({ kind }: LiveObject, { path, live }: Difference): boolean {
    const key = kind === "DaemonSet" ? keyOf(path) : undefined;
    const isData = kind === "ConfigMap" && ["config.conf", "kubeconfig.conf"].includes(String(path[1]));
    const isMetadata = isBelow(path, ["metadata"]);
    return (
      (key !== undefined && this.#isOwn(key)) ||
      isData ||
      (isMetadata && (live === undefined || this.#isOwn("metadata")))
    );
  }

  #configMapLeftovers(live: LiveObject, made: Settings): Problem[] {
    const minor = parseVersion(made.kubernetesVersion)?.minor.minor ?? 0;
    const { "config.conf": text, "kubeconfig.conf": kubeconfig } = dataOf(live);
    const { configuration } = readConfiguration(text, minor);
    const wanted = configurationOf(kubeProxyObjects(made).configMap, minor);
    const isOwn = (path: string) =>
      at(this.#settings.configuration ?? {}, path) !== undefined ||
      (path === "clusterCIDR" && this.#isOwn("podSubnet"));
    const fields = differingFields(configuration ?? wanted, wanted, minor).filter((path) => !isOwn(path));
    const [server, ours] = [serverIn(kubeconfig), serverUrlOf(made.controlPlaneEndpoint)];
    const isKept = kubeconfig === undefined || server === ours || this.#isOwn("controlPlaneEndpoint");
    return [
      ...fields.map((path) => ({
        path: `${liveName(live)}, config.conf, ${path}`,
        value: at(configuration ?? {}, path) ?? null,
        accepted: `${toJson(at(wanted, path) ?? null)}, as kubeadm makes it, or your own word: set configuration.${path}`,
      })),
      ...(isKept
        ? []
        : [
            {
              path: `${liveName(live)}, kubeconfig.conf, server`,
              value: server === undefined ? null : withoutUserinfo(server),
              accepted: `a URL without user, password, query and variables, such as ${ours}, or your own word: set controlPlaneEndpoint`,
            },
          ]),
    ];
  }
}

/** What kubeadm makes without the settings that only add to it. */
function withoutAdditive(made: Settings): KubeProxyObjects {
  const others = Object.entries(made).filter(([key]) => !additive.some((one) => one === key));
  return kubeProxyObjects(Object.fromEntries(others) as unknown as Settings);
}

/** Whether `extraArgs` says what is there, if in another place: kube-proxy reads its arguments in any order. */
function saysArguments(live: LiveObject, { extraArgs }: Settings, bare: DaemonSet): boolean {
  const key = "extraArgs";
  return (
    isDeepStrictEqual(settingIn(key, live, bare), extraArgs) &&
    missingIn(live, bare, (one) => one === key).length === 0
  );
}

/** Edits that the settings can hold; what one of them needs of another that they cannot, falls with it. */
function accepted(found: Some, made: Settings): Some {
  const refused = checkSettings(mapping(settingsShape), { ...made, ...found }).map(({ path }) => path);
  const entries = Object.entries(found) as [string, unknown][];
  const kept = entries.filter(
    ([key, value]) =>
      value !== undefined &&
      !isEmpty(value as Yaml) &&
      !refused.some((path) => path.split(/[.[]/)[0] === key),
  );
  return kept.length === entries.length ? found : accepted(Object.fromEntries(kept), made);
}

/** Fields whose default changes with a version, or is taken for another one: whoever writes it out means it. */
const pinned = ["mode", "metricsBindAddress"];

/** What nobody can change back in a live object. */
const fixed: readonly { readonly place: Path; readonly advice: string }[] = [
  {
    place: ["immutable"],
    advice: "keep a copy, delete the ConfigMap and create it again; no pod restarts by that",
  },
  {
    place: ["spec", "selector"],
    advice: "nobody can change it in place, so provision anew after deleting the DaemonSet",
  },
  {
    place: ["roleRef"],
    advice:
      "nobody can change it in place, so leave clusterRole out until kube-proxy is taken over, or delete the binding",
  },
];

/** What a problem shows; a part of an environment has no name by which to tell what is secret. */
function shown({ path, live = null }: Difference): unknown {
  const isPartOfVariable = path.includes("env") && typeof live === "string";
  return isPartOfVariable
    ? "VALUE"
    : withoutSecrets(live, String(path.findLast((key) => typeof key === "string")));
}

function leftoverProblem(live: LiveObject, difference: Difference, version: string): Problem {
  const { path, wanted } = difference;
  const kubeadms = wanted === undefined ? "nothing" : toJson(wanted);
  const advice =
    fixed.find(({ place }) => isBelow(path, place))?.advice ??
    "no setting keeps this, so change it back first, by kubectl edit";
  return {
    path: `${liveName(live)}, ${formatPath(path)}`,
    value: shown(difference),
    accepted: `${kubeadms}, as kubeadm ${version} makes it with these settings: ${advice}`,
  };
}
