#include <boost/test/unit_test.hpp>
#include <string>
#include <midtrain/data/normal_form.hpp>

using midtrain::data::normal_form_c;

BOOST_AUTO_TEST_SUITE(normal_form)

BOOST_AUTO_TEST_CASE(form_c) {  // examples of UAX 15 and of NormalizationTest.txt
    BOOST_TEST(normal_form_c("plain \xc3\xa9") == "plain \xc3\xa9");
    BOOST_TEST(normal_form_c("e\xcc\x81") == "\xc3\xa9");
    BOOST_TEST(normal_form_c("\xe2\x84\xab") == "\xc3\x85");                                  // Angstrom sign: one that decomposes alone
    BOOST_TEST(normal_form_c("\xe1\xb8\x8b\xcc\xa3") == "\xe1\xb8\x8d\xcc\x87");              // d with dots above and below: marks sorted
    BOOST_TEST(normal_form_c("q\xcc\x87\xcc\xa3") == "q\xcc\xa3\xcc\x87");
    BOOST_TEST(normal_form_c("\xe0\xa5\x98") == "\xe0\xa4\x95\xe0\xa4\xbc");                  // excluded from composition
    BOOST_TEST(normal_form_c("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab") == "\xed\x95\x9c");      // Hangul
    BOOST_TEST(normal_form_c("\xea\xb0\x80\xe1\x86\xa8") == "\xea\xb0\x81");
    BOOST_TEST(normal_form_c("a\xcc\x81\xcc\x81") == "\xc3\xa1\xcc\x81");                     // the second is blocked
    BOOST_TEST(normal_form_c("\xcc\x81" "a") == "\xcc\x81" "a");
    BOOST_TEST(normal_form_c("\xff" "e\xcc\x81\xf0\x9f\x98") == "\xff\xc3\xa9\xf0\x9f\x98");  // stray bytes stay
}

BOOST_AUTO_TEST_SUITE_END()
