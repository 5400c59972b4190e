/**
 * Namespace of the test Services and of nothing else: the right to make Services in kube-system would be one to lead the
 * cluster's DNS elsewhere.
 */
export const testNamespace = "kube-proxy-test";
