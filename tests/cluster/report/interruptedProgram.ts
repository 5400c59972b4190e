/**
 * Begins to record the update of a cluster that it is told of, as a Pulumi program does. It says when it does so, and that it
 * goes on each of the first two times that it is interrupted. With a third argument it is an engine, too, which sees its last
 * step through.
 */
import { KubeConfig } from "../../../components/cluster/kubernetes.ts";
import { Recorder } from "../../../components/cluster/report/recorder.ts";

const [kubeconfig = "", folder = "", engine] = process.argv.slice(2);
const config = new KubeConfig();
config.loadFromString(kubeconfig);
if (engine !== undefined) {
  process.once("SIGINT", () => void recorder.end().then(() => process.exit(7)));
}
const side = { image: "kube-proxy:1", mode: "nftables", token: "t", configuration: null };
const recorder = await Recorder.begin(config, {
  expected: {
    ...{ occasions: ["restart"], by: "me", token: "t", strategy: "Rolling", stack: null, snapshot: null },
    ...{ told: [], skipped: [], cluster: { id: "uid", server: "", context: null } },
    waves: [
      { daemonSet: "kube-proxy", pool: null, state: "waiting", changes: [], before: side, after: side },
    ],
  },
  folder,
  env: {},
});
recorder.waveBegan("kube-proxy");
if (engine === undefined) {
  let times = 0;
  const tell = (): void => {
    setImmediate(() => {
      console.log("goes on");
    });
    // Whoever listens keeps a signal from ending the process.
    if (++times === 2) process.off("SIGINT", tell);
  };
  process.on("SIGINT", tell);
}
console.log("recording");
