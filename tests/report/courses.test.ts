/** What happened on each node, from what is seen of its pods. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Courses, type PodSeen } from "../../components/report/courses.ts";

const owner = { name: "kube-proxy", uid: "set" };
const pod = (uid: string, node: string, more: Partial<PodSeen> = {}): PodSeen => ({
  ...{ uid, name: `kube-proxy-${uid}`, node, owner },
  ...{ isEnding: false, hasStopped: false, isReady: false, waiting: undefined },
  ...more,
});

suite("the course of nodes", () => {
  test("an old pod is told to go, its process ends, a new one is made, becomes ready, and syncs", () => {
    const courses = new Courses([pod("old", "a", { isReady: true }), pod("other", "b", { isReady: true })]);
    assert.equal(courses.see(pod("old", "a", { isEnding: true }), 1), false);
    courses.see(pod("old", "a", { isEnding: true, hasStopped: true }), 1.5);
    courses.gone("old", 2);
    assert.equal(courses.see(pod("new", "a"), 2.1), false);
    assert.equal(courses.see(pod("new", "a", { isReady: true }), 3), true);
    assert.equal(courses.see(pod("new", "a", { isReady: true }), 4), false, "it is told once");
    courses.synced("new", 3.4, true);
    assert.deepEqual(courses.of("kube-proxy"), [
      {
        ...{ node: "a", oldPod: "kube-proxy-old", newPod: "kube-proxy-new" },
        ...{ deleted: 1, stopped: 1.5, created: 2.1, ready: 3, synced: 3.4, isExact: true },
      },
    ]);
    assert.deepEqual(courses.of("kube-proxy-other"), []);
  });

  test("orphans belong to whom they belonged, and then to whom adopts them", () => {
    const courses = new Courses([pod("old", "a")]);
    courses.see(pod("old", "a", { owner: undefined, isEnding: true }), 1);
    assert.equal(courses.of("kube-proxy").length, 1);
    courses.see(pod("old", "a", { owner: { name: "kube-proxy-canary", uid: "2" }, isEnding: true }), 2);
    assert.equal(courses.of("kube-proxy").length, 0);
    assert.equal(courses.of("kube-proxy-canary").length, 1);
  });

  test("of several new pods the last one counts", () => {
    const courses = new Courses([pod("old", "a")]);
    courses.gone("old", 1);
    courses.see(pod("first", "a"), 2);
    courses.gone("first", 3);
    courses.see(pod("second", "a"), 4);
    assert.equal(courses.of("kube-proxy")[0]?.newPod, "kube-proxy-second");
    assert.equal(courses.of("kube-proxy")[0]?.oldPod, "kube-proxy-old");
  });

  test("a sync that a node's clock puts before its pod was made is as late as that", () => {
    const courses = new Courses([]);
    courses.see(pod("new", "a"), 5);
    courses.synced("new", -100, true);
    assert.equal(courses.of("kube-proxy")[0]?.synced, 5);
    courses.synced("nobody", 1, true);
    courses.gone("nobody", 1);
  });

  test("who is without a ready pod is named with the kubelet's word, some of many", () => {
    const courses = new Courses([pod("old", "z")]);
    assert.equal(courses.lacking("kube-proxy"), null);
    courses.see(pod("1", "a", { waiting: "ImagePullBackOff" }), 1);
    assert.equal(courses.lacking("kube-proxy"), "without a ready new pod: a (ImagePullBackOff)");
    for (let index = 2; index < 10; index++) courses.see(pod(String(index), `b${index}`), 1);
    assert.match(
      courses.lacking("kube-proxy") ?? "",
      /: a \(ImagePullBackOff\), b2, b3, b4, b5, and 4 more$/,
    );
    courses.see(pod("1", "a", { isReady: true }), 2);
    assert.doesNotMatch(courses.lacking("kube-proxy") ?? "", /: a/);
  });
});
