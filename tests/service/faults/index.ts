/** Of each kind of finding an object that has it, and one that nearly has it. */
import type { KindName } from "../../../components/service/kinds.ts";
import { exposureFaults } from "./ofExposure.ts";
import { podFaults } from "./ofPods.ts";
import { sliceFaults } from "./ofSlices.ts";
import type { Fault } from "./plant.ts";

export { clusterFaults } from "./ofCluster.ts";

/** Faults of a Service and what belongs to it. */
export const faults: Partial<Record<KindName, Fault>> = { ...podFaults, ...sliceFaults, ...exposureFaults };
