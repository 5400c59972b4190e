import type { Path } from "../../components/adoption/differences.ts";
import type { LiveObject } from "../../components/adoption/live.ts";
import { type TakeOver, takeOverOf } from "../../components/adoption/takeOver.ts";
import type { Settings } from "../../components/kubeadm/settings.ts";
import { liveObjects } from "./live.ts";

/** The stack that takes over. */
export const owner = "organization/kube-proxy/test";
/** The settings of a cluster. */
export const base: Settings = {
  kubernetesVersion: "v1.37.2",
  controlPlaneEndpoint: "192.0.2.10:6443",
  podSubnet: "10.244.0.0/16",
};

/** What it takes to take over, when all settings so far are the cluster's own word. */
export const takeOver = (objects: readonly LiveObject[], settings: Settings = base): TakeOver =>
  takeOverOf(objects, { settings, cluster: base, owner });
/** Where the problems are. */
export const pathsOf = ({ problems }: TakeOver) => problems.map(({ path }) => path);

/** Something of an object that somebody changes: where it is, and into what; undefined takes it out. */
export type Change = readonly [path: Path, into: (old: unknown) => unknown];

/** Objects of which one was changed. */
export const changed = (kind: string, ...changes: readonly Change[]): LiveObject[] =>
  liveObjects(base).map((object) =>
    object.kind === kind
      ? changes.reduce<LiveObject>((all, one) => put(all, ...one) as LiveObject, object)
      : object,
  );

/** A value of which one place was changed. */
export function put(value: unknown, [key, ...rest]: Path, into: (old: unknown) => unknown): unknown {
  if (key === undefined) {
    return into(value);
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => (index === key ? put(item, rest, into) : item));
  }
  const record = (value ?? {}) as Record<string, unknown>;
  return JSON.parse(JSON.stringify({ ...record, [key]: put(record[key], rest, into) }));
}

/** Puts a value in place of what is there. */
export const to = (value: unknown) => () => value;
/** Takes out what is there. */
export const gone = to(undefined);
/** Adds items to a list. */
export const and =
  (...more: readonly unknown[]) =>
  (old: unknown) => [...(old as unknown[]), ...more];
/** Changes a text. */
export const text = (change: (old: string) => string) => (old: unknown) => change(String(old));
/** The pods' spec. */
export const podSpec: Path = ["spec", "template", "spec"];
/** kube-proxy's container. */
export const container: Path = [...podSpec, "containers", 0];
/** `config.conf` in the ConfigMap. */
export const configuration: Path = ["data", "config.conf"];
