/** Pure: what no trial can tell of a Service, for people. */
import { type Case, count } from "./case.ts";
import { tryOf } from "./trial.ts";

/** Says what of a Service was not tried, and why; one sentence each, without a full stop. */
export function untriedOf(one: Case): string[] {
  const { service, slices, policies } = one;
  const others = service.ports.filter(({ protocol }) => protocol !== "TCP");
  const { endpoints, nodePort } = tryOf(one);
  const all = new Set(slices.flatMap((slice) => slice.endpoints.map(({ address }) => address))).size;
  const asked = new Set(endpoints.map(({ address }) => address)).size;
  return [
    ...others.map(
      ({ name, port, protocol }) =>
        `${name === "" ? "port" : `port ${name}`} ${port}/${protocol}: only TCP can be asked`,
    ),
    nodePort === undefined
      ? "the Service's own rules: it has no NodePort for TCP that every node answers, and its ClusterIP is reached from inside of the cluster alone"
      : "the rules of its ClusterIP: it is reached from inside of the cluster alone",
    ...(asked < all
      ? [
          `${count(all - asked, "endpoint")} of ${all}: ten are asked at most, ready ones of pods, of one family, over TCP`,
        ]
      : []),
    ...(policies.length > 0 ? ["what NetworkPolicies do to other clients"] : []),
  ];
}
