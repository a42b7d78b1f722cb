#!/usr/bin/python3
"""Lists of a Region: what the endpoint has, that its fixtures agree, and their projection."""
import json
import tempfile
import unittest

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import api
import endpoint
import projection
import test_endpoint

US, EU = "us-east-1", "eu-west-1"
BUILDS, VERSIONS = "ListImageBuildVersions", "ListImages"
MEMBER = {BUILDS: "imageSummaryList", VERSIONS: "imageVersionList"}
OF = "arn:aws:imagebuilder:us-east-1:123456789012:image"


def fixture(operation, asked):
    """The items of a list."""
    body = json.loads(api.fixtures()[operation, asked])
    return body[api.OPERATIONS[operation].member]


class ListsTest(test_endpoint.EndpointCase):
    def ask(self, operation, region=US, **body):
        """Status, error code or None, and the answer."""
        data = json.dumps(body).encode()
        request = botocore.awsrequest.AWSRequest(
            "POST", f"http://{self.host}/{operation}", data=data, headers={"Host": self.host})
        keys = botocore.credentials.Credentials(test_endpoint.KEY,
                                                endpoint.CREDENTIALS[test_endpoint.KEY][0])
        botocore.auth.SigV4Auth(keys, "imagebuilder", region).add_auth(request)
        status, headers, answer = self.send(
            "POST", f"/{operation}", dict(request.headers.items()), data)
        return status, headers["x-amzn-ErrorType"], json.loads(answer)

    def pages(self, operation, region=US, **body):
        """The items of each page."""
        found = []
        while not found or body.get("nextToken"):
            status, code, answer = self.ask(operation, region, **body)
            self.assertEqual((status, code), (200, None), answer)
            found.append(answer[MEMBER[operation]])
            body["nextToken"] = answer.get("nextToken")
            if not body["nextToken"]:
                del body["nextToken"]
        return found

    # Regions, owners, pages

    def test_has_each_fixture_in_pages(self):
        for name, asked in api.fixtures():
            of = api.OPERATIONS[name]
            if of.target != "scope":
                continue
            owner = {"owner": api.owner_of(asked)} if api.owner_of(asked) else {}
            with self.subTest(f"{name} {asked}"):
                operation = name.partition(":")[0]
                pages = self.pages(operation, api.region_of(asked), **owner)
                items = fixture(name, asked)
                self.assertEqual([item for page in pages for item in page], items)
                self.assertEqual(len(pages), max(1, (len(items) + 24) // 25))

    def test_a_version_s_builds_are_not_the_region_s(self):
        arn = f"{OF}/golden-linux/1.0.0"
        self.assertEqual(len(self.pages(BUILDS, imageVersionArn=arn)[0]), 2)

    def test_a_region_without_a_fixture_has_nothing(self):
        self.assertEqual(self.pages(BUILDS, "sa-east-1"), [[]])
        self.assertEqual(self.pages(VERSIONS, "sa-east-1", owner="Amazon"), [[]])

    def test_one_s_own_are_the_default(self):
        self.assertEqual(self.pages(VERSIONS), self.pages(VERSIONS, owner="Self"))
        self.assertNotEqual(self.pages(VERSIONS), self.pages(VERSIONS, owner="Amazon"))

    def test_max_results(self):
        self.assertEqual([len(page) for page in self.pages(BUILDS, maxResults=7)], [7, 7, 7, 7, 2])
        for wrong in (0, 26, -1, "7", None):
            with self.subTest(wrong):
                self.assertEqual(self.ask(BUILDS, maxResults=wrong)[:2],
                                 (400, "InvalidParameterValueException"))

    def test_refuses(self):
        token = self.ask(BUILDS)[2]["nextToken"]
        invalid = (400, "InvalidPaginationTokenException")
        self.assertEqual(self.ask(BUILDS, EU, nextToken=token)[:2], invalid)
        self.assertEqual(self.ask(VERSIONS, nextToken=token)[:2], invalid)
        self.assertEqual(self.ask(BUILDS, "sa-east-1", nextToken="x")[:2], invalid)
        self.assertEqual(self.ask(VERSIONS, owner="Nobody")[:2],
                         (400, "InvalidParameterValueException"))

    # What tests steer

    def test_put_and_count(self):
        for query, name in (("region=sa-east-1", "a"), ("region=sa-east-1&owner=Amazon", "b"),
                            ("region=sa-east-1&account=210987654321", "c")):
            of = "ListImages:shared" if "owner" in query else "ListImages"
            page = json.dumps({"imageVersionList": [{"name": name}], "nextToken": name})
            self.control("PUT", f"responses?operation={of}&{query}", page.encode())
            page = json.dumps({"imageVersionList": []})
            self.control("PUT", f"responses?operation={of}&{query}&token={name}", page.encode())
        self.assertEqual(self.pages(VERSIONS, "sa-east-1"), [[{"name": "a"}], []])
        self.assertEqual(self.pages(VERSIONS, "sa-east-1", owner="Amazon"), [[{"name": "b"}], []])
        self.assertEqual(self.pages(BUILDS, "sa-east-1"), [[]])
        self.assertEqual(self.control("GET", "counters")["by_request"],
                         {"ListImages sa-east-1": 1, "ListImages sa-east-1 a": 1,
                          "ListImages:shared sa-east-1.Amazon": 1,
                          "ListImages:shared sa-east-1.Amazon b": 1,
                          "ListImageBuildVersions sa-east-1": 1})

    def test_regions_that_are_not_enabled(self):
        self.control("POST", "disabled?regions=eu-west-1,ap-east-1")
        self.addCleanup(self.control, "POST", "disabled")
        for operation in (BUILDS, VERSIONS):
            self.assertEqual(self.ask(operation, EU)[:2], (403, "UnrecognizedClientException"))
            self.assertEqual(self.ask(operation)[0], 200)

    def test_named_lists(self):
        self.control("POST", "name?region=us-east-1&name=list-60")
        pages = self.pages(BUILDS)
        self.assertEqual([len(page) for page in pages], [25, 25, 10])
        self.assertEqual(pages[2][9]["arn"], f"{OF}/item-59/1.0.0/1")
        self.assertEqual(len(self.pages(VERSIONS, owner="Amazon")), 3)
        self.control("POST", "name?region=us-east-1&name=page2-fault-e501-list-60")
        answer = self.ask(BUILDS)[2]
        self.assertEqual(self.ask(BUILDS, nextToken=answer["nextToken"])[0], 501)
        self.control("POST", "name?region=us-east-1&name=fault-throttle-1")
        self.control("POST", "name?region=us-east-1&owner=Amazon&name=fault-e500")
        self.assertEqual([self.ask(BUILDS)[0] for _ in range(2)], [429, 200])
        self.assertEqual(self.ask(VERSIONS, owner="Amazon")[0], 500)
        self.control("DELETE", "responses")
        self.assertEqual(self.pages(BUILDS)[0], fixture(BUILDS, US)[:25])


class AccountsTest(unittest.TestCase):
    def test_a_list_is_of_the_account_whose_key_it_is(self):
        with tempfile.NamedTemporaryFile("w+") as file:
            keys = endpoint.Keys(file.name)
            file.write(json.dumps({
                "access_key_id": "ASIAX", "secret_access_key": "s", "session_token": "t",
                "expiration": 1, "account": "210987654321"}) + "\n")
            file.flush()
            for key, asked in (("ASIAX", "eu-west-1.210987654321"), (test_endpoint.KEY, EU)):
                for body, name, what in (
                        (b"{}", "ListImages", asked),
                        (b'{"owner": "Amazon"}', "ListImages:shared", f"{asked}.Amazon")):
                    account = keys.account(key)
                    of, found, *_ = api.find("POST", "/ListImages", {}, body, EU, account)
                    self.assertEqual((of.name, found), (name, what))


class FixturesTest(unittest.TestCase):
    def test_a_region_has_the_builds_that_get_image_has(self):
        """As summaries say them: AMIs without states, and no OS of what is being built."""
        regions = {asked: {item["arn"]: item for item in fixture(operation, asked)}
                   for operation, asked in api.fixtures() if operation == BUILDS}
        for (operation, arn), body in api.fixtures().items():
            if operation != "GetImage" or arn.split(":")[4] == "aws":
                continue
            with self.subTest(arn):
                image = json.loads(body)["image"]
                for name, value in regions[api.region_of(arn)][arn].items():
                    if name == "outputResources" and "complete" not in arn:
                        for ami in image[name].get("amis", []):
                            ami.pop("state")
                    self.assertEqual(value, arn.split(":")[4] if name == "owner" else image[name])

    def test_a_version_is_listed_once_if_it_has_builds(self):
        for operation, asked in api.fixtures():
            if operation == BUILDS:
                arns = {item["arn"].rpartition("/")[0]: 0 for item in fixture(BUILDS, asked)}
                self.assertEqual([item["arn"] for item in fixture(VERSIONS, asked)], list(arns))

    def test_there_are_pages_an_empty_list_and_states(self):
        for name, asked in ((BUILDS, US), (VERSIONS, US), ("ListImages:shared", f"{US}.Amazon")):
            self.assertGreater(len(fixture(name, asked)), 25)
        self.assertEqual(fixture(BUILDS, "ap-south-1"), [])
        items = fixture(BUILDS, US)
        states = {item.get("state", {}).get("status") for item in items}
        self.assertEqual(len(states), 13)       # all of the model, and none
        self.assertTrue(any(item.get("outputResources") == {"amis": []} for item in items))


class ProjectionTest(unittest.TestCase):
    """By columns as columns.tsv has them."""
    COLUMNS = [
        ("image_builds", "region", "text", "@region"),
        ("image_builds", "account_id", "text", "@account"),
        ("image_builds", "image_version_arn", "text", "arn@version"),
        ("image_builds", "arn", "text", "arn"),
        ("image_build_amis", "region", "text", "@region"),
        ("image_build_amis", "image_version_arn", "text", "^arn@version"),
        ("image_build_amis", "image_arn", "text", "^arn"),
        ("image_build_amis", "ordinal", "integer", "#"),
        ("image_build_amis", "ami_region", "text", "region"),
        ("image_build_containers", "image_arn", "text", "^arn"),
        ("image_build_containers", "ordinal", "integer", "#"),
        ("image_build_containers", "image_uris", "text[]", "imageUris"),
        ("shared_image_versions", "region", "text", "@region"),
        ("shared_image_versions", "ownership", "text", "@ownership"),
        ("shared_image_versions", "date_created", "timestamptz", "dateCreated")]

    def rows(self, operation, asked, *pages):
        """Each table's rows as lists of cells."""
        tables = projection.project(list(pages), operation, asked, self.COLUMNS)
        return {table: [list(row.values()) for row in rows] for table, rows in tables.items()}

    def test_builds_and_their_amis_over_pages(self):
        first = {"amis": [{"region": "x"}, {"region": "y"}],
                 "containers": [{"imageUris": ["u", "v"]}]}
        pages = [
            [{"arn": f"{OF}/a/1.0.0/1", "outputResources": first},
             {"arn": f"{OF}/a/1.0.0/2", "outputResources": {"amis": []}},
             {"arn": f"{OF}/a/1.0.0/3"}],
            [{"arn": f"{OF}/a/1.1.0/1", "outputResources": {"amis": [{"region": "z"}]}},
             {"name": "without"}]]
        found = self.rows(BUILDS, EU, *({"imageSummaryList": page} for page in pages))
        self.assertEqual(found["image_builds"], [
            [EU, "123456789012", f"{OF}/a/1.0.0", f"{OF}/a/1.0.0/{n}"] for n in (1, 2, 3)] + [
            [EU, "123456789012", f"{OF}/a/1.1.0", f"{OF}/a/1.1.0/1"],
            [EU, "123456789012", None, None]])
        self.assertEqual(found["image_build_amis"], [
            [EU, f"{OF}/a/1.0.0", f"{OF}/a/1.0.0/1", 1, "x"],
            [EU, f"{OF}/a/1.0.0", f"{OF}/a/1.0.0/1", 2, "y"],
            [EU, f"{OF}/a/1.1.0", f"{OF}/a/1.1.0/1", 1, "z"]])
        self.assertEqual(found["image_build_containers"], [[f"{OF}/a/1.0.0/1", 1, ["u", "v"]]])
        self.assertNotIn("shared_image_versions", found)

    def test_shared_versions(self):
        page = {"imageVersionList": [{"dateCreated": "1970-01-01T00:00:01.5Z"}, {}]}
        found = self.rows("ListImages:shared", f"{US}.ThirdParty", page)
        self.assertEqual(found["shared_image_versions"],
                         [[US, "ThirdParty", 1500000], [US, "ThirdParty", None]])


if __name__ == "__main__":
    unittest.main()
