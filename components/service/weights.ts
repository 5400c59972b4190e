/** How much a finding weighs. */
export const Severity = {
  /** Nobody gets an answer. */
  stops: "stops",
  /** Some do not: at some nodes, of some family, at one of several ports, or from outside. */
  some: "some",
  /** It may keep the Service from answering; whether it does cannot be seen from here. */
  may: "may",
  /** It answers all the same. */
  remark: "remark",
} as const;
export type Severity = (typeof Severity)[keyof typeof Severity];

/** From the worst on. */
export const severities: readonly Severity[] = [Severity.stops, Severity.some, Severity.may, Severity.remark];

/** What a finding says of kube-proxy. */
export const Blame = {
  /** kube-proxy is not the reason of this. */
  excluded: "excluded",
  /** It may be. */
  possible: "possible",
  /** It is kube-proxy's business: its configuration, or that it does not run. */
  kubeProxy: "kube-proxy",
} as const;
export type Blame = (typeof Blame)[keyof typeof Blame];

/** What a finding is a matter of. */
export type Reason = "service" | "pods" | "slices" | "policy" | "exposure" | "proxy" | "cluster";
