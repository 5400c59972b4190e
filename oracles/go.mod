module kube-proxy-as-code/oracles

go 1.26.0
