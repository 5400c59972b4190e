import { RareTask } from "../facts/rareTasks.ts";

/** What the program does in a cluster, as far as rights differ. */
export const Task = {
  /** Every `preview` and `up`: the facts, the engine's refresh, the snapshot. */
  look: "look",
  /** What the checks read and nothing else needs: without it they say "not checked". */
  check: "check",
  /** Make the objects that are not there. */
  provision: "provision",
  /** Bind the API server's own ClusterRole, or hold all of its rights. */
  bind: "bind",
  /** Make and bind an own ClusterRole (`clusterRole: create`), or hold all of its rights. */
  ownRole: "ownRole",
  /** Change configuration, image or pods in place. */
  change: "change",
  ...RareTask,
  /** Take over what is there, or put back what somebody else has edited, of which nobody knows before. */
  repair: "repair",
  /** Replace DaemonSets by a new token. */
  restart: "restart",
  /** Hand pods over between DaemonSets: pools come, go or are cut anew. */
  pools: "pools",
  /** Restart kube-proxy on some nodes alone. */
  restartNodes: "restartNodes",
  /** Switch between modes, with helpers beside the old kube-proxies. */
  switchMode: "switchMode",
  /** Bring the image onto the nodes before a change: `prePull`. */
  pull: "pull",
  /** Prove after a change that every kube-proxy is well. */
  verify: "verify",
  /** Delete the DaemonSets and their pods: `running: false`. */
  stop: "stop",
  /** Delete everything: `pulumi destroy`. */
  destroy: "destroy",
} as const;
export type Task = (typeof Task)[keyof typeof Task];
