import type { NodeFacts } from "../facts/facts.ts";
import { familiesOf, isWithin } from "../preflight/cidr.ts";
import type { Endpoints, Pod, Policy, Service, ServiceFacts, Slice } from "./facts.ts";

/** Finds what belongs to a Service without going over everything for each: what is read once is indexed once. */
export class Lookup {
  readonly facts: ServiceFacts;
  /** By name; undefined where the nodes could not be read. */
  readonly nodes: ReadonlyMap<string, NodeFacts> | undefined;
  readonly #slices: ReadonlyMap<string, readonly Slice[]>;
  readonly #endpoints: ReadonlyMap<string, Endpoints>;
  readonly #policies: ReadonlyMap<string, readonly Policy[]>;
  readonly #pods: ReadonlyMap<string, readonly Pod[]>;
  readonly #podsByName: ReadonlyMap<string, Pod>;
  /** Only by the labels' keys that some selector names: pods have many labels that nobody selects by. */
  readonly #byLabel = new Map<string, Pod[]>();
  /** How many pods have which values of a label, by namespace and key. */
  readonly #values = new Map<string, Map<string, number>>();
  readonly #selected = new Map<string, readonly Pod[]>();
  readonly #once = new Map<string, unknown>();

  constructor(facts: ServiceFacts) {
    this.facts = facts;
    this.nodes = facts.nodes && new Map(facts.nodes.map((node) => [node.name, node]));
    this.#slices = Map.groupBy(facts.slices ?? [], ({ namespace, service }) => keyOf(namespace, service));
    this.#endpoints = new Map(
      (facts.endpoints ?? []).map((one) => [keyOf(one.namespace, one.name), one] as const),
    );
    this.#policies = Map.groupBy(facts.policies ?? [], ({ namespace }) => namespace);
    this.#pods = Map.groupBy(facts.pods ?? [], ({ namespace }) => namespace);
    this.#podsByName = new Map(
      (facts.pods ?? []).map((pod) => [keyOf(pod.namespace, pod.name), pod] as const),
    );
    this.#index(new Set(facts.services.flatMap(({ selector }) => Object.keys(selector))));
  }

  /** Its EndpointSlices. */
  slicesOf({ namespace, name }: Service): readonly Slice[] {
    return this.#slices.get(keyOf(namespace, name)) ?? [];
  }

  /** Its Endpoints object. */
  endpointsOf({ namespace, name }: Service): Endpoints | undefined {
    return this.#endpoints.get(keyOf(namespace, name));
  }

  /** NetworkPolicies of its namespace. */
  policiesOf({ namespace }: Service): readonly Policy[] {
    return this.#policies.get(namespace) ?? [];
  }

  /** A pod by its name. */
  pod(namespace: string, name: string): Pod | undefined {
    return this.#podsByName.get(keyOf(namespace, name));
  }

  /** How many pods a namespace has. */
  podCount(namespace: string): number {
    return this.#pods.get(namespace)?.length ?? 0;
  }

  /** The pods that its selector matches, ended ones too; none without a selector. */
  podsOf({ namespace, selector }: Service): readonly Pod[] {
    const labels = Object.entries(selector);
    const key = JSON.stringify([namespace, ...labels.toSorted()]);
    const known = this.#selected.get(key);
    if (known !== undefined) return known;
    const [rarest = [], ...others] = labels
      .map(([label, value]) => this.withLabel(namespace, label, value))
      .sort((a, b) => a.length - b.length);
    const matching =
      others.length === 0
        ? rarest
        : rarest.filter((pod) => labels.every(([label, value]) => pod.labels[label] === value));
    this.#selected.set(key, matching);
    return matching;
  }

  /** Pods that have a label of a selector's. */
  withLabel(namespace: string, label: string, value: string): readonly Pod[] {
    return this.#byLabel.get(keyOf(namespace, label, value)) ?? [];
  }

  /** How many pods have which values of a label of a selector's. */
  valuesOf(namespace: string, label: string): ReadonlyMap<string, number> {
    return this.#values.get(keyOf(namespace, label)) ?? new Map();
  }

  /** What is the same for many Services, made with the first one. */
  once<T>(key: string, make: () => T): T {
    if (!this.#once.has(key)) this.#once.set(key, make());
    return this.#once.get(key) as T;
  }

  /** Whether most pods have an address of their node's range: then the others should have one, too. */
  get keepsToPodCIDRs(): boolean {
    return this.once("keepsToPodCIDRs", () => {
      const places = (this.facts.pods ?? []).map((pod) => this.#placeOf(pod));
      const count = (wanted: "inside" | "outside") => places.filter((place) => place === wanted).length;
      return count("inside") > count("outside");
    });
  }

  /** Whether a pod has an address outside of its node's ranges. */
  isOutside(pod: Pod): boolean {
    return this.#placeOf(pod) === "outside";
  }

  /** Undefined where nothing can be said: on the host's network, and of families of which the node has no range. */
  #placeOf({ node, hostNetwork, addresses }: Pod): "inside" | "outside" | undefined {
    const ranges = this.nodes?.get(node)?.podCIDRs ?? [];
    const families = familiesOf(ranges);
    const told = addresses.filter((address) => families.includes(address.includes(":") ? "IPv6" : "IPv4"));
    if (hostNetwork || told.length === 0) return undefined;
    return told.every((address) => ranges.some((range) => isWithin(address, range))) ? "inside" : "outside";
  }

  #index(labels: ReadonlySet<string>): void {
    for (const pod of this.facts.pods ?? []) {
      for (const [label, value] of Object.entries(pod.labels)) {
        if (!labels.has(label)) continue;
        append(this.#byLabel, keyOf(pod.namespace, label, value), pod);
        const key = keyOf(pod.namespace, label);
        const values = this.#values.get(key) ?? new Map<string, number>();
        values.set(value, (values.get(value) ?? 0) + 1);
        this.#values.set(key, values);
      }
    }
  }
}

/** No name and no label has a line's end. */
function keyOf(...parts: readonly string[]): string {
  return parts.join("\n");
}

function append<T>(map: Map<string, T[]>, key: string, item: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [item]);
  else list.push(item);
}
