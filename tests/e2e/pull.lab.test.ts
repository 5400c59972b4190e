/** The image is on all nodes of a wave before the first kube-proxy there is replaced; where it is not, nothing is touched. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, suite, test } from "node:test";
import { neverReadyImage } from "../../lab/index.ts";
import { changesOf, eventually, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 6;
const image = "registry.example.com/kube-proxy:v1.37.2";
const canary = "kubernetes.io/hostname";

suite("prePull", () => {
  const lab = useLab({ name: "e2e-pull", nodes });
  let scenario: Scenario;
  beforeEach(async () => {
    scenario = await lab.open({ prePull: true, timeouts: { verify: "20s" } });
    await scenario.up();
  });
  afterEach(() => scenario.destroy());

  const pulls = () => scenario.cluster.kubectl(["get", "pods", "-l", "kube-proxy/pull", "-o", "name"]);
  const uids = async () => (await scenario.cluster.pods()).map(({ metadata }) => metadata.uid).sort();
  const imagesOf = async () =>
    (
      await scenario.cluster.kubectl([
        ...["get", "pods", "-l", "k8s-app=kube-proxy"],
        "-o=jsonpath={.items[*].spec.containers[0].image}",
      ])
    ).split(" ");
  const configuration = () =>
    scenario.cluster.kubectl(["get", "configmap", "kube-proxy", "-o", "jsonpath={.data}"]);

  test("an image that comes is there first, and nothing of it stays", async () => {
    const { output } = await scenario.up({ image });
    assert.ok(output.includes(`Pulled: ${image} is on the ${nodes} nodes of kube-proxy`), output);
    assert.equal(await pulls(), "");
    assert.deepEqual(changesOf(await scenario.stack.preview()), []);
  });

  test("one that does not come ends the update before anything is touched, and every node is named", async () => {
    const before = [await uids(), await configuration()];
    await scenario.stack.setConfig({
      image: neverReadyImage,
      configuration: { iptables: { syncPeriod: "20s" } },
      timeouts: { verify: "3s" },
    });
    const { ok, output } = await scenario.stack.up();
    assert.ok(!ok, output);
    assert.match(output, /pulling \S+:never-ready onto the nodes of kube-proxy; no kube-proxy was touched/);
    const told = output.matchAll(/image on (node-\d+): .*ImagePullBackOff: Back-off pulling image/g);
    assert.equal(new Set([...told].map(([, name]) => name)).size, nodes);
    assert.deepEqual([await uids(), await configuration()], before);
    assert.equal(await pulls(), "");
    await scenario.up({ image, timeouts: { verify: "20s" } });
  });

  test("with pools each has its own, when its turn comes", async () => {
    const pools = [
      { name: "one", matchExpressions: [{ key: canary, operator: "In", values: ["node-0001"] }] },
      { name: "rest", matchExpressions: [{ key: canary, operator: "NotIn", values: ["node-0001"] }] },
    ];
    await scenario.up({ pools });
    const [one, rest] = pools;
    await scenario.stack.setConfig({
      pools: [one, { ...rest, image: neverReadyImage }],
      image,
      timeouts: { verify: "3s" },
    });
    const { ok, output } = await scenario.stack.up();
    assert.ok(!ok, output);
    assert.match(output, /onto the nodes of kube-proxy-rest; no kube-proxy was touched/);
    const images = await imagesOf();
    assert.equal(images.filter((one) => one === image).length, 1, "the first pool has the new one");
    assert.equal(images.filter((one) => one === neverReadyImage).length, 0);
    assert.equal(await pulls(), "");
    await scenario.up({ pools, timeouts: { verify: "20s" } });
  });

  test("what an interrupted one has left, the next one and a destroy remove", async () => {
    const left = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "kube-proxy-pull-left", labels: { "kube-proxy/pull": "kube-proxy" } },
      spec: {
        nodeName: "node-0002",
        restartPolicy: "Never",
        containers: [{ name: "pull", image: neverReadyImage }],
      },
    };
    await scenario.cluster.kubectl(["apply", "-f", "-"], JSON.stringify(left));
    await scenario.up({ restart: "again" });
    await eventually("what was left is gone", async () => (await pulls()) === "");
    await scenario.cluster.kubectl(["apply", "-f", "-"], JSON.stringify(left));
    await scenario.destroy();
    await eventually("what was left is gone", async () => (await pulls()) === "");
  });
});
