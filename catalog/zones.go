package catalog

// ZonesWithoutControlPlane lists the IDs of the availability zones in which EKS runs no control plane (Amazon EKS User
// Guide, "Amazon EKS VPC and subnet considerations").
var ZonesWithoutControlPlane = []string{"use1-az3", "usw1-az2", "cac1-az3"}
