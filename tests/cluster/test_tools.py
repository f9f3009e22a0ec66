"""test_tools.py: what people type, and what it prints."""
import re


def topics(cluster, *arguments, check=True):
    return cluster.run("kafka-topics.sh", "--bootstrap-server", cluster.bootstrap, *arguments, check=check)


def test_create_list_describe(cluster):
    assert topics(cluster, "--create", "--partitions", "2", "--replication-factor", "1", "--topic", "first").stdout == "Created topic first.\n"
    assert "first" in topics(cluster, "--list").stdout.splitlines()
    head, *rows = topics(cluster, "--describe", "--topic", "first").stdout.splitlines()
    assert re.fullmatch(r"Topic: first\tTopicId: [\w-]{22}\tPartitionCount: 2\tReplicationFactor: 1\tConfigs: ", head), head
    for i, row in enumerate(rows):
        assert re.fullmatch(rf"\tTopic: first\tPartition: {i}\tLeader: (\d)\tReplicas: \1\tIsr: \1\tElr: N/A\tLastKnownElr: N/A", row), row


def test_names_with_a_period_warn(cluster):
    out = topics(cluster, "--create", "--topic", "a.b", "--partitions", "1", "--replication-factor", "1").stdout
    assert out.startswith("WARNING: Due to limitations in metric names, topics with a period"), out
    done = topics(cluster, "--create", "--topic", "a_b", "--partitions", "1", "--replication-factor", "1", check=False)
    assert done.returncode == 1 and "collides" in done.stdout + done.stderr


def test_errors_name_the_thing(cluster):
    topics(cluster, "--create", "--topic", "twice", "--partitions", "1", "--replication-factor", "1")
    done = topics(cluster, "--create", "--topic", "twice", "--partitions", "1", "--replication-factor", "1", check=False)
    assert done.returncode == 1 and "Topic 'twice' already exists." in done.stdout + done.stderr
    topics(cluster, "--create", "--topic", "twice", "--if-not-exists")
    done = topics(cluster, "--create", "--topic", "wide", "--partitions", "1", "--replication-factor", "9", check=False)
    assert done.returncode == 1 and "eplication factor: 9 larger than available brokers: 3" in done.stdout + done.stderr
    done = topics(cluster, "--create", "--topic", "odd", "--config", "retention.msx=1", check=False)
    assert done.returncode == 1 and "retention.msx" in done.stdout + done.stderr
    done = topics(cluster, "--describe", "--topic", "absent", check=False)
    assert done.returncode == 1 and "Topic 'absent' does not exist as expected" in done.stdout + done.stderr
    done = topics(cluster, "--lst", check=False)
    assert done.returncode == 1 and "lst is not a recognized option" in done.stdout + done.stderr


def test_expand(cluster):
    topics(cluster, "--create", "--topic", "grow", "--partitions", "1", "--replication-factor", "1")
    topics(cluster, "--alter", "--topic", "grow", "--partitions", "3")
    assert "PartitionCount: 3" in topics(cluster, "--describe", "--topic", "grow").stdout
    done = topics(cluster, "--alter", "--topic", "grow", "--partitions", "2", check=False)
    assert done.returncode == 1 and "higher than the requested 2" in done.stdout + done.stderr


def test_old_spellings(cluster):
    cluster.run("kafka-topics.sh", "-create", "-zookeeper", cluster.zookeeper, "-topic", "old", "-partitions", "1",
                "-replication-factor", "1")
    cluster.run("kafka-console-producer.sh", "--broker-list", cluster.bootstrap, "--topic", "old", stdin="one\ntwo\n")
    out = cluster.run("kafka-console-consumer.sh", "--zookeeper", cluster.zookeeper, "--topic", "old", "--from-beginning",
                      "--max-messages", "2")
    assert out.stdout == "one\ntwo\n" and "Processed a total of 2 messages" in out.stderr


def test_console_properties(cluster):
    topics(cluster, "--create", "--topic", "keys", "--partitions", "1", "--replication-factor", "1")
    cluster.run("kafka-console-producer.sh", "--bootstrap-server", cluster.bootstrap, "--topic", "keys", "--property", "parse.key=true",
                "--property", "key.separator=:", stdin="k1:v1\nk2:v2\n")
    out = cluster.run("kafka-console-consumer.sh", "--bootstrap-server", cluster.bootstrap, "--topic", "keys", "--from-beginning",
                      "--max-messages", "2", "--property", "print.key=true", "--property", "key.separator=-", "--property",
                      "print.offset=true", "--property", "print.partition=true").stdout
    assert out == "Partition:0-Offset:0-k1-v1\nPartition:0-Offset:1-k2-v2\n"
    out = cluster.run("kafka-console-consumer.sh", "--bootstrap-server", cluster.bootstrap, "--topic", "keys", "--partition", "0",
                      "--offset", "1", "--max-messages", "1").stdout
    assert out == "v2\n"


def test_cluster_start_is_idempotent(cluster):
    before = [cluster.pid(f"broker-{i}") for i in range(3)]
    cluster.start()
    assert before == [cluster.pid(f"broker-{i}") for i in range(3)]
